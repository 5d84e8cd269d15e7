#include "data/synth/synth.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "data/probe.h"
#include "data/store/reader.h"
#include "data/synth/face_renderer.h"
#include "data/synth/face_shape.h"
#include "data/synth/identity.h"

namespace penumbra::data {
namespace {

SynthOptions options(std::uint64_t seed, int threads = 0) {
  SynthOptions out;
  out.seed = seed;
  out.threads = threads;
  return out;
}

// The votes and distributions of many faces; small pictures, as nobody looks at them.
const SampleSet& many() {
  static const SampleSet set = [] {
    SynthOptions small = options(11);
    small.size = 16;
    return synthesise(small, 0, 4000);
  }();
  return set;
}

Scene frontal() {
  Scene scene{};
  scene.scale = .47;
  scene.light_z = 1;
  scene.ambient = .6;
  scene.back_near = scene.back_far = {{.5f, .5f, .5f}};
  scene.gain = 1;
  return scene;
}

Identity someone() {
  Draws draws(3, Purpose::synth, 0, 0);
  Identity who = draw_identity(draws);
  who.hair_style = HairStyle::bald;
  who.glasses = false;
  who.beard = who.moustache = 0;
  return who;
}

TEST(Synthesise, GivesTheSameBitsWhateverTheThreadCount) {
  const SampleSet one = synthesise(options(5, 1), 0, 150);
  for (const int threads : {2, 3, 7}) {
    const SampleSet other = synthesise(options(5, threads), 0, 150);
    EXPECT_EQ(one.pixels, other.pixels);
    EXPECT_EQ(one.votes, other.votes);
    EXPECT_EQ(one.distribution, other.distribution);
    EXPECT_EQ(one.labels, other.labels);
    EXPECT_EQ(one.ids, other.ids);
  }
}

TEST(Synthesise, AFaceDoesNotDependOnHowManyAreAskedFor) {
  const SampleSet few = synthesise(options(5), 1, 20), more = synthesise(options(5), 1, 70);
  for (std::int64_t i = 0; i < few.size(); ++i) EXPECT_TRUE(std::ranges::equal(few.image(i), more.image(i))) << i;
}

TEST(Synthesise, SplitsAndSeedsShareNoFace) {
  std::set<std::string> seen;
  std::set<std::string> ids;
  for (const std::uint64_t seed : {1, 2})
    for (const std::uint32_t split : {0u, 1u, 2u}) {
      const SampleSet set = synthesise(options(seed), split, 40);
      for (std::int64_t i = 0; i < set.size(); ++i) seen.emplace(set.image(i).begin(), set.image(i).end());
      ids.insert(set.ids.begin(), set.ids.end());
    }
  EXPECT_EQ(seen.size(), 240u);
  EXPECT_EQ(ids.size(), 240u);
}

TEST(Synthesise, RowsAreConsistent) {
  const SampleSet& set = many();
  ASSERT_EQ(set.votes.size(), set.labels.size() * kEmotions);
  EXPECT_EQ(set.info.classes, set.info.vote_columns);
  EXPECT_EQ(set.info.classes.size(), kEmotions);
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    double votes = 0, mass = 0;
    for (std::size_t k = 0; k < kEmotions; ++k) {
      const float vote = set.votes[i * kEmotions + k], p = set.distribution[i * kEmotions + k];
      votes += vote, mass += p;
      ASSERT_GE(p, 0);
      ASSERT_TRUE(p > 0 || vote == 0) << "a vote for an emotion that is not there, face " << i;
      const float chosen = set.votes[i * kEmotions + set.labels[i]];
      ASSERT_TRUE(vote < chosen || (vote == chosen && static_cast<int>(k) >= set.labels[i])) << i;
    }
    ASSERT_EQ(votes, kAnnotators);
    ASSERT_NEAR(mass, 1, 1e-6);
  }
}

// Grouped by class and by the true share, the number of votes must be a sum of binomials; the squared deviations over
// their variances are then chi-square with a degree of freedom a group.
TEST(Synthesise, VotesFollowTheDistribution) {
  const SampleSet& set = many();
  constexpr int kBins = 8;
  std::array<double, kEmotions * kBins> votes{}, mean{}, variance{};
  for (std::size_t i = 0; i < set.distribution.size(); ++i) {
    const double p = set.distribution[i];
    const std::size_t group =
        i % kEmotions * kBins + std::min<std::size_t>(kBins - 1, static_cast<std::size_t>(p * kBins));
    votes[group] += set.votes[i];
    mean[group] += kAnnotators * p;
    variance[group] += kAnnotators * p * (1 - p);
  }
  double chi_square = 0, groups = 0;
  for (std::size_t g = 0; g < votes.size(); ++g) {
    if (variance[g] < 5) continue;
    chi_square += (votes[g] - mean[g]) * (votes[g] - mean[g]) / variance[g];
    ++groups;
  }
  ASSERT_GT(groups, 50);
  EXPECT_LT(std::abs(chi_square - groups) / std::sqrt(2 * groups), 3.5) << chi_square << " of " << groups;
}

TEST(Synthesise, EmotionsAreUniformAndAmbiguityVaries) {
  const SampleSet& set = many();
  std::array<double, kEmotions> mass{};
  std::vector<double> entropy;
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    double h = 0;
    for (std::size_t k = 0; k < kEmotions; ++k) {
      const double p = set.distribution[i * kEmotions + k];
      mass[k] += p;
      if (p > 0) h -= p * std::log(p);
    }
    entropy.push_back(h);
  }
  // The mass of a class on one face has a standard deviation below sqrt(1/8 * 7/8) = .33.
  for (const double m : mass) EXPECT_NEAR(m / 4000, .125, 4 * .33 / std::sqrt(4000));
  std::ranges::sort(entropy);
  EXPECT_LT(entropy[400], .25);
  EXPECT_GT(entropy[2000], .3);
  EXPECT_GT(entropy[3600], .65);
  EXPECT_LE(entropy.back(), std::log(3.) + 1e-9);
}

TEST(Synthesise, CeilingIsTheShareOfLabelsThatTheTrueDistributionWouldGive) {
  SampleSet set;
  set.info.classes = {"a", "b"};
  set.labels = {0, 1, 1, 0};
  set.distribution = {.9f, .1f, .2f, .8f, .6f, .4f, .7f, .3f};
  EXPECT_DOUBLE_EQ(label_ceiling(set), .75);
  EXPECT_GT(label_ceiling(many()), .85);
  EXPECT_LT(label_ceiling(many()), .97);
}

TEST(Synthesise, RefusesWhatItCannotDraw) {
  SynthOptions bad = options(1);
  bad.channels = 2;
  EXPECT_THROW(synthesise(bad, 0, 1), std::invalid_argument);
  bad = options(1);
  bad.size = 8;
  EXPECT_THROW(synthesise(bad, 0, 1), std::invalid_argument);
  EXPECT_THROW(synthesise(options(1), 0, -1), std::invalid_argument);
}

TEST(ActionUnits, NeutralMovesNothingAndEachEmotionItsOwnUnits) {
  for (std::uint32_t i = 0; i < 50; ++i) {
    Draws draws(1, Purpose::synth, 0, i);
    for (const double intensity : prototype(Emotion::neutral, draws).intensity) EXPECT_EQ(intensity, 0);
    const ActionUnits happy = prototype(Emotion::happiness, draws), angry = prototype(Emotion::anger, draws);
    EXPECT_GT(std::min({happy[Au::cheek_raiser], happy[Au::lip_corner_left], happy[Au::lip_corner_right]}), .6);
    EXPECT_EQ(happy[Au::brow_lowerer], 0);
    EXPECT_GT(std::min(angry[Au::brow_lowerer], angry[Au::lid_tightener]), .5);
    EXPECT_EQ(angry[Au::lip_corner_left], 0);
    const ActionUnits sad = prototype(Emotion::sadness, draws), afraid = prototype(Emotion::fear, draws);
    EXPECT_GT(std::min(sad[Au::inner_brow_raiser], sad[Au::lip_corner_depressor]), .6);
    EXPECT_GT(std::min({afraid[Au::inner_brow_raiser], afraid[Au::upper_lid_raiser], afraid[Au::lip_stretcher]}), .6);
    const ActionUnits smirk = prototype(Emotion::contempt, draws);
    EXPECT_EQ(std::min(smirk[Au::lip_corner_left], smirk[Au::lip_corner_right]), 0) << "contempt is one-sided";
    EXPECT_GT(std::max(smirk[Au::dimpler_left], smirk[Au::dimpler_right]), .5);
  }
}

TEST(ActionUnits, ABlendLiesBetweenItsParts) {
  for (std::uint32_t i = 0; i < 50; ++i) {
    Draws draws(2, Purpose::synth, 0, i);
    EmotionDistribution half{};
    half[static_cast<std::size_t>(Emotion::happiness)] = half[static_cast<std::size_t>(Emotion::surprise)] = .5f;
    const ActionUnits blend = express(half, draws);
    for (const Au unit : {Au::lip_corner_left, Au::cheek_raiser, Au::inner_brow_raiser, Au::outer_brow_raiser}) {
      EXPECT_GT(blend[unit], .3);
      EXPECT_LT(blend[unit], .7);
    }
  }
}

struct Landmarks {
  double left_corner, right_corner, mouth_width, gap, inner_brow, outer_brow, eye, chin, nose;
};

Landmarks landmarks(std::initializer_list<Au> units) {
  ActionUnits au;
  for (const Au unit : units) au[unit] = 1;
  const FaceShape f = face_shape(someone(), au, frontal());
  return {-f.mouth.upper_outer.front().y,
          -f.mouth.upper_outer.back().y,
          f.mouth.upper_outer.back().x - f.mouth.upper_outer.front().x,
          f.mouth.gap,
          -f.brows[1].line.front().y,
          -f.brows[1].line.back().y,
          f.eyes[1].lower[4].y - f.eyes[1].upper[4].y,
          f.chin,
          f.nose.base};
}

TEST(FaceShape, ActionUnitsMoveTheirLandmarksUpAndDown) {
  const Landmarks rest = landmarks({});
  const Landmarks smile = landmarks({Au::lip_corner_left, Au::lip_corner_right});
  EXPECT_GT(smile.left_corner, rest.left_corner + .08);
  EXPECT_GT(smile.mouth_width, rest.mouth_width + .1);
  const Landmarks smirk = landmarks({Au::lip_corner_right});
  EXPECT_GT(smirk.right_corner, rest.right_corner + .08);
  EXPECT_EQ(smirk.left_corner, rest.left_corner);
  EXPECT_LT(landmarks({Au::lip_corner_depressor}).left_corner, rest.left_corner - .05);
  EXPECT_GT(landmarks({Au::inner_brow_raiser}).inner_brow, rest.inner_brow + .08);
  EXPECT_GT(landmarks({Au::outer_brow_raiser}).outer_brow, rest.outer_brow + .08);
  EXPECT_LT(landmarks({Au::brow_lowerer}).inner_brow, rest.inner_brow - .08);
  EXPECT_GT(landmarks({Au::upper_lid_raiser}).eye, 1.2 * rest.eye);
  EXPECT_LT(landmarks({Au::lid_tightener}).eye, .8 * rest.eye);
  EXPECT_GT(landmarks({Au::jaw_drop}).gap, rest.gap + .2);
  EXPECT_GT(landmarks({Au::jaw_drop}).chin, rest.chin + .1);
  EXPECT_LT(landmarks({Au::jaw_drop}).mouth_width, rest.mouth_width);
  EXPECT_GT(landmarks({Au::lip_stretcher}).mouth_width, rest.mouth_width + .1);
  EXPECT_LT(landmarks({Au::nose_wrinkler}).nose, rest.nose);
}

// How much of the change that units make to a frontal face lies above the tip of the nose.
double share_above_nose(std::initializer_list<Au> units) {
  ActionUnits au;
  for (const Au unit : units) au[unit] = 1;
  Canvas rest = render_face(someone(), {}, frontal(), 48, 1), moved = render_face(someone(), au, frontal(), 48, 1);
  double above = 0, total = 0;
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 48; ++x) {
      const double change = std::abs(*rest.pixel(x, y) - *moved.pixel(x, y));
      total += change;
      if (y < 24 + static_cast<int>(.3 * .47 * 48)) above += change;
    }
  EXPECT_GT(total, 5) << "nothing to see";
  return above / total;
}

TEST(RenderFace, UnitsChangeThePixelsWhereTheyAct) {
  EXPECT_GT(share_above_nose({Au::inner_brow_raiser, Au::outer_brow_raiser}), .98);
  EXPECT_GT(share_above_nose({Au::brow_lowerer}), .98);
  EXPECT_GT(share_above_nose({Au::upper_lid_raiser}), .98);
  EXPECT_LT(share_above_nose({Au::lip_corner_depressor}), .02);
  EXPECT_LT(share_above_nose({Au::jaw_drop}), .02);
  EXPECT_LT(share_above_nose({Au::lip_corner_left, Au::lip_corner_right}), .4);
}

TEST(RenderFace, AMirroredSceneGivesTheMirroredPicture) {
  Scene scene = frontal();
  scene.yaw = .25, scene.roll = .1, scene.pitch = .05, scene.shift_x = .03, scene.gaze_x = .1;
  scene.light_x = .6, scene.light_z = .8;
  Scene mirrored = scene;
  for (double* value : {&mirrored.yaw, &mirrored.roll, &mirrored.shift_x, &mirrored.gaze_x, &mirrored.light_x})
    *value = -*value;
  ActionUnits au, mirrored_au;
  au[Au::lip_corner_left] = au[Au::dimpler_left] = mirrored_au[Au::lip_corner_right] = mirrored_au[Au::dimpler_right] =
      1;
  Identity who = someone();
  who.glasses = true;
  const double grey_level = 1. / 255;  // the sides are painted one after the other, and overlap faintly
  Canvas a = render_face(who, au, scene, 48, 1), b = render_face(who, mirrored_au, mirrored, 48, 1);
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 48; ++x) ASSERT_NEAR(*a.pixel(x, y), *b.pixel(47 - x, y), grey_level) << x << ", " << y;
}

TEST(RenderFace, GreyIsTheLumaOfColour) {
  for (std::uint32_t i = 0; i < 10; ++i) {
    Draws draws(4, Purpose::synth, 0, i);
    const Identity who = draw_identity(draws);
    const Scene scene = draw_scene(draws);
    ActionUnits au = prototype(static_cast<Emotion>(i % kEmotions), draws);
    Canvas grey = render_face(who, au, scene, 48, 1), colour = render_face(who, au, scene, 48, 3);
    for (int y = 0; y < 48; ++y)
      for (int x = 0; x < 48; ++x) {
        const float* p = colour.pixel(x, y);
        ASSERT_NEAR(*grey.pixel(x, y), luma({{p[0], p[1], p[2]}}), 1e-4) << x << ", " << y;
      }
  }
}

bool inside(const Polyline& polygon, double x, double y) {  // even-odd rule
  bool in = false;
  for (std::size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
    const Point &a = polygon[i], &b = polygon[j];
    if ((a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x) in = !in;
  }
  return in;
}

TEST(Canvas, CoverageIsTheAreaOfThePolygonInEachPixel) {
  const Canvas canvas(12, 1);
  const std::vector<Polyline> polygons = {
      {{1.3, 2.2}, {10.7, 3.1}, {6.4, 9.8}},
      {{2, 2}, {5, 2}, {5, 4}, {2, 4}},
      {{.4, .3}, {11.6, .9}, {8.2, 5.5}, {11.2, 11.4}, {5.1, 7.3}, {.9, 11.1}},
      {{3.1, 3.2}, {3.6, 3.3}, {3.4, 3.8}},
  };
  for (const Polyline& polygon : polygons) {
    const Mask mask = canvas.coverage(polygon);
    for (int y = 0; y < 12; ++y)
      for (int x = 0; x < 12; ++x) {
        int hits = 0;
        for (int v = 0; v < 64; ++v)
          for (int u = 0; u < 64; ++u) hits += inside(polygon, x + (u + .5) / 64, y + (v + .5) / 64);
        ASSERT_NEAR(mask.at(x, y), hits / 4096., .01) << x << ", " << y;
      }
  }
}

// Noise of eight bits; with `separable` one quadrant of the picture is lit, which one tells the class.
SampleSet toy(std::uint32_t which, std::int64_t count, bool separable) {
  SampleSet set;
  set.info = {{"a", "b", "c", "d"}, {}, 8, 1, "toy", "given"};
  std::vector<std::uint8_t> pixels;
  Draws draws(9, Purpose::probe, which, 0);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::int32_t>(draws.below(4));
    for (int k = 0; k < 64; ++k) {
      const bool lit = separable && (k / 32) * 2 + (k % 8) / 4 == label;
      pixels.push_back(static_cast<std::uint8_t>(draws.below(120) + (lit ? 100 : 0)));
    }
    set.labels.push_back(label);
    set.ids.push_back(std::to_string(i));
  }
  set.pixels = std::move(pixels);
  return set;
}

TEST(LinearProbe, SolvesWhatIsLinearlySeparable) {
  const ProbeResult result = linear_probe(toy(0, 400, true), toy(1, 400, true));
  EXPECT_EQ(result.train_accuracy, 1);
  EXPECT_EQ(result.test_accuracy, 1);
}

TEST(LinearProbe, IsAtChanceWhereThereIsNothingToSee) {
  const ProbeResult result = linear_probe(toy(0, 800, false), toy(1, 1600, false));
  EXPECT_NEAR(result.test_accuracy, .25, 4 * std::sqrt(.25 * .75 / 1600));
}

TEST(LinearProbe, IsDeterministicAndRefusesSetsThatDoNotMatch) {
  const SampleSet train = toy(0, 200, true), test = toy(1, 200, false);
  EXPECT_EQ(linear_probe(train, test).test_accuracy, linear_probe(train, test).test_accuracy);
  EXPECT_THROW(linear_probe(train, SampleSet{}), std::invalid_argument);
  EXPECT_THROW(linear_probe(train, many()), std::invalid_argument);
}

TEST(LinearProbe, SeesLittleOfTheSyntheticTask) {
  const SampleSet train = synthesise(options(1), 0, 2048), test = synthesise(options(1), 2, 1024);
  const double reached = linear_probe(train, test).test_accuracy;
  EXPECT_LT(reached, .5 * label_ceiling(test));
  EXPECT_GT(reached, .15) << "chance is .125: some of a face is where it usually is";
}

TEST(WriteSynthetic, TheStoreHoldsTheThreeSplits) {
  SynthOptions small = options(8);
  small.train = 30, small.val = 20, small.test = 10, small.channels = 3, small.size = 24;
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / ("penumbra-synth-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  write_synthetic(small, folder / "faces.h5");
  const StoreReader reader(folder / "faces.h5");
  const std::vector<std::pair<std::string, std::int64_t>> splits = {{"train", 30}, {"val", 20}, {"test", 10}};
  for (std::uint32_t split = 0; split < 3; ++split) {
    const SampleSet stored = reader.load(splits[split].first);
    const SampleSet drawn = synthesise(small, split, splits[split].second);
    EXPECT_EQ(stored.info.source, "synth seed=8");
    EXPECT_EQ(stored.pixels, drawn.pixels);
    EXPECT_EQ(stored.labels, drawn.labels);
    EXPECT_EQ(stored.votes, drawn.votes);
    EXPECT_EQ(stored.distribution, drawn.distribution);
    EXPECT_EQ(stored.ids, drawn.ids);
  }
  std::filesystem::remove_all(folder);
}

TEST(ContactSheet, HasARowAClassAndTheBlends) {
  const Image sheet = contact_sheet(options(1), 3, 2);
  EXPECT_EQ(sheet.width, 3 * 96);
  EXPECT_EQ(sheet.height, 12 * 96);
  ASSERT_EQ(sheet.pixels.size(), static_cast<std::size_t>(sheet.width) * sheet.height);
  const Image small = contact_sheet(options(1), 3, 1);
  for (int y = 0; y < sheet.height; ++y)
    for (int x = 0; x < sheet.width; ++x)
      ASSERT_EQ(sheet.pixels[y * sheet.width + x], small.pixels[y / 2 * small.width + x / 2]) << x << " " << y;
}

}  // namespace
}  // namespace penumbra::data
