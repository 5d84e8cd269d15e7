#include "data/benchmark.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "comm/timing.h"
#include "data/loader.h"
#include "data/loader_options.h"
#include "data/plan/philox.h"

namespace penumbra::data {
namespace {

constexpr std::int64_t kBatch = 64;
constexpr int kTurns = 9;

SampleSet random_images(int size, int channels) {
  SampleSet set;
  set.info.image_size = size;
  set.info.channels = channels;
  set.info.classes = {"a", "b", "c", "d"};
  // Some 16 MiB: more than a core's caches hold.
  const std::int64_t rows =
      std::max<std::int64_t>(2 * kBatch, (16 << 20) / static_cast<std::int64_t>(set.image_bytes()));
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(rows) * set.image_bytes());
  Draws draws(1, Purpose::probe, 0, 0);
  for (std::size_t i = 0; i + 4 <= pixels.size(); i += 4) {
    const std::uint32_t bits = draws.bits();
    std::memcpy(pixels.data() + i, &bits, 4);
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    set.labels.push_back(static_cast<std::int32_t>(row % 4));
    set.ids.push_back(std::to_string(row));
  }
  set.pixels = std::move(pixels);
  return set;
}

/// What `work`, which does `amount` of something, gets done in a second: the median of turns that take `seconds`
/// together.
double rate_of(double amount, double seconds, const std::function<void()>& work) {
  const double once = std::max(1e-6, comm::seconds_of(work));
  const int repeats = std::max(1, static_cast<int>(seconds / kTurns / once));
  std::vector<double> rates;
  for (int turn = 0; turn < kTurns; ++turn) {
    const double taken = comm::seconds_of([&] {
      for (int i = 0; i < repeats; ++i) work();
    });
    rates.push_back(amount * repeats / taken);
  }
  return comm::median(rates);
}

double render_rate(const SampleSet& set, double seconds) {
  const int size = set.info.image_size, channels = set.info.channels;
  ViewRenderer renderer({});
  std::vector<float> out(set.image_bytes());
  std::int64_t row = 0;
  return rate_of(2, seconds, [&] {
    const std::int64_t source = row++ % set.size(), partner = (source + set.size() / 2) % set.size();
    const StoredPair pair = stored_pair(set, source, partner);
    renderer.render_view(pair, draw_weak({}, 1, 0, source), size, out);
    renderer.render_view(pair, draw_ambiguous({}, 1, 0, source, partner, size, size, channels), size, out);
  });
}

double loader_rate(const SampleSet& set, double seconds) {
  LoaderOptions options;
  options.global_batch = kBatch;
  TrainLoader loader(set, options, {});
  std::int64_t epoch = 0, left = 0;
  return rate_of(2 * kBatch, seconds, [&] {
    if (left == 0) {
      loader.start_epoch(epoch++);
      left = loader.steps_per_epoch();
    }
    loader.next();
    --left;
  });
}

/// Bytes a second, read and written.
double copy_rate(double seconds) {
  const std::vector<char> from(64 << 20, 1);
  std::vector<char> to(from.size());
  return rate_of(2 * static_cast<double>(from.size()), seconds,
                 [&] { std::memcpy(to.data(), from.data(), from.size()); });
}

}  // namespace

ViewTiming time_views(int size, int channels, double seconds) {
  const SampleSet set = random_images(size, channels);
  // In: the image, and for an ambiguous view its partner's; out: a float of every byte.
  const double bytes_a_view = (1.5 + sizeof(float)) * static_cast<double>(set.image_bytes());
  return {render_rate(set, seconds), loader_rate(set, seconds), copy_rate(seconds / 4) / bytes_a_view};
}

}  // namespace penumbra::data
