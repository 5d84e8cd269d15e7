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

#include "data/store/reader.h"

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
