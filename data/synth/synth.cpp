#include "data/synth/synth.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "data/contact_sheet.h"
#include "data/synth/face_renderer.h"
#include "data/synth/identity.h"

namespace penumbra::data {
namespace {

constexpr std::uint32_t kSheetSplit = 3;

// Two faces in three show mostly one emotion; the others are blends of two or three.
EmotionDistribution draw_distribution(Draws& draws) {
  std::array<std::size_t, kEmotions> order{0, 1, 2, 3, 4, 5, 6, 7};
  for (std::size_t i = 0; i < 3; ++i) std::swap(order[i], order[i + draws.below(kEmotions - i)]);
  std::array<double, 3> weight{1, 0, 0};
  if (draws.chance(.65)) {
    weight[0] = draws.uniform(.75, 1);
    weight[1] = 1 - weight[0];
  } else {
    const std::size_t parts = draws.chance(.7) ? 2 : 3;
    double total = 0;
    for (std::size_t k = 0; k < parts; ++k) total += weight[k] = draws.gamma(2);
    for (std::size_t k = 0; k < parts; ++k) weight[k] /= total;
  }
  EmotionDistribution distribution{};
  for (std::size_t k = 0; k < 3; ++k) distribution[order[k]] = static_cast<float>(weight[k]);
  return distribution;
}

std::array<float, kEmotions> draw_votes(const EmotionDistribution& distribution, Draws& draws) {
  std::array<float, kEmotions> votes{};
  for (int annotator = 0; annotator < kAnnotators; ++annotator) {
    double left = draws.uniform();
    std::size_t choice = 0, last = 0;
    for (std::size_t k = 0; k < kEmotions; ++k)
      if (distribution[k] > 0) last = k;
    while (choice < last && (left -= distribution[choice]) >= 0) ++choice;
    votes[choice] += 1;
  }
  return votes;
}

// Exposure, blur, sensor noise, eight bits.
void expose(Canvas& canvas, const Scene& scene, Draws& draws, std::uint8_t* out) {
  canvas.blur(scene.blur * canvas.size() / 48.);
  // Two of a draw's four bytes sum to a triangular variate of variance 2 (256^2 - 1) / 12.
  const double unit = scene.noise / std::sqrt(2 * (256. * 256. - 1) / 12);
  std::uint32_t bits = 0;
  bool fresh = false;
  for (const float value : canvas.values()) {
    bits = fresh ? bits >> 16 : draws.bits();
    fresh = !fresh;
    const double noise = unit * (static_cast<int>(bits & 255) + static_cast<int>(bits >> 8 & 255) - 255);
    const double seen = value * scene.gain + scene.offset + noise;
    *out++ = static_cast<std::uint8_t>(std::clamp(std::floor(seen * 255 + .5), 0., 255.));
  }
}

void photograph(const Identity& who, const EmotionDistribution& emotion, const Scene& scene,
                const SynthOptions& options, Draws& draws, std::uint8_t* out) {
  const ActionUnits au = express(emotion, draws);
  Canvas canvas = render_face(who, au, scene, options.size, options.channels);
  expose(canvas, scene, draws, out);
}

void check(const SynthOptions& options, std::int64_t count) {
  if (options.size < 16 || options.size > 1024)
    throw std::invalid_argument("synthetic faces of " + std::to_string(options.size) + " pixels: take 16 to 1024");
  if (options.channels != 1 && options.channels != 3)
    throw std::invalid_argument("synthetic faces have 1 or 3 channels, not " + std::to_string(options.channels));
  if (count < 0 || count > (std::int64_t{1} << 31))
    throw std::invalid_argument(std::to_string(count) + " synthetic faces: take 0 to 2^31");
}

/// `pixels`: of all of the set's images.
void synthesise_one(SampleSet& set, std::span<std::uint8_t> pixels, const SynthOptions& options, std::uint32_t split,
                    std::int64_t i) {
  Draws draws(options.seed, Purpose::synth, split, static_cast<std::uint32_t>(i));
  const EmotionDistribution emotion = draw_distribution(draws);
  const auto votes = draw_votes(emotion, draws);
  const auto row = static_cast<std::size_t>(i);
  std::copy(emotion.begin(), emotion.end(), set.distribution.begin() + row * kEmotions);
  std::copy(votes.begin(), votes.end(), set.votes.begin() + row * kEmotions);
  set.labels[row] = static_cast<std::int32_t>(std::max_element(votes.begin(), votes.end()) - votes.begin());
  set.ids[row] = "synth/" + std::to_string(options.seed) + "/" + std::to_string(split) + "/" + std::to_string(i);
  const Identity who = draw_identity(draws);
  const Scene scene = draw_scene(draws);
  photograph(who, emotion, scene, options, draws, pixels.data() + row * set.image_bytes());
}

Scene portrait(Draws& draws) {
  Scene scene = draw_scene(draws);
  scene.yaw *= .3, scene.pitch *= .3, scene.roll *= .3, scene.shift_x *= .3, scene.shift_y *= .3;
  scene.scale = .47, scene.blur = .2, scene.noise = .006;
  scene.ambient = .55, scene.gain = 1.1, scene.offset = 0;
  return scene;
}

}  // namespace

SampleSet synthesise(const SynthOptions& options, std::uint32_t split, std::int64_t count) {
  check(options, count);
  SampleSet set;
  set.info = {emotion_names(),
              emotion_names(),
              options.size,
              options.channels,
              "synth seed=" + std::to_string(options.seed),
              "argmax of 10 votes"};
  const auto rows = static_cast<std::size_t>(count);
  std::vector<std::uint8_t> pixels(rows * set.image_bytes());
  set.labels.resize(rows);
  set.votes.resize(rows * kEmotions);
  set.distribution.resize(rows * kEmotions);
  set.ids.resize(rows);
  constexpr std::int64_t kChunk = 32;
  std::atomic<std::int64_t> next{0};
  const auto work = [&] {
    for (std::int64_t begin; (begin = next.fetch_add(kChunk)) < count;)
      for (std::int64_t i = begin; i < std::min(begin + kChunk, count); ++i)
        synthesise_one(set, pixels, options, split, i);
  };
  const int threads = options.threads > 0 ? options.threads : static_cast<int>(std::thread::hardware_concurrency());
  std::vector<std::jthread> helpers;
  for (int t = 1; t < threads; ++t) helpers.emplace_back(work);
  work();
  helpers.clear();
  set.pixels = std::move(pixels);
  return set;
}

double label_ceiling(const SampleSet& set) {
  std::int64_t right = 0;
  const std::int64_t classes = set.classes();
  for (std::int64_t i = 0; i < set.size(); ++i) {
    const float* row = set.distribution.data() + i * classes;
    right += std::max_element(row, row + classes) - row == set.labels[static_cast<std::size_t>(i)];
  }
  return set.size() > 0 ? static_cast<double>(right) / static_cast<double>(set.size()) : 0;
}

Image contact_sheet(const SynthOptions& options, int columns, int zoom) {
  check(options, 0);
  const std::pair<Emotion, Emotion> walks[] = {{Emotion::happiness, Emotion::surprise},
                                               {Emotion::anger, Emotion::disgust},
                                               {Emotion::neutral, Emotion::sadness},
                                               {Emotion::surprise, Emotion::fear}};
  const int rows = static_cast<int>(kEmotions) + 4, cell = options.size * zoom, channels = options.channels;
  Image sheet = blank(columns * cell, rows * cell, channels), face = blank(options.size, options.size, channels);
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      const bool walk = row >= static_cast<int>(kEmotions);
      const std::uint32_t sample = walk ? static_cast<std::uint32_t>(row) : static_cast<std::uint32_t>(100 + column);
      Draws draws(options.seed, Purpose::synth, kSheetSplit, sample, walk ? 0 : static_cast<std::uint32_t>(row));
      EmotionDistribution emotion{};
      if (walk) {
        const float t = columns > 1 ? static_cast<float>(column) / static_cast<float>(columns - 1) : 0;
        emotion[static_cast<std::size_t>(walks[row - 8].first)] = 1 - t;
        emotion[static_cast<std::size_t>(walks[row - 8].second)] += t;
      } else {
        emotion[static_cast<std::size_t>(row)] = 1;
      }
      const Identity who = draw_identity(draws);
      photograph(who, emotion, walk ? portrait(draws) : draw_scene(draws), options, draws, face.pixels.data());
      paste(face, zoom, column * cell, row * cell, sheet);
    }
  return sheet;
}

}  // namespace penumbra::data
