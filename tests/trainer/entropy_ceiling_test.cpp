#include "trainer/evaluation/entropy_ceiling.h"

#include <gtest/gtest.h>

#include "data/synth/synth.h"
#include "tests/trainer/measures_testing.h"
#include "trainer/evaluation/distributions.h"
#include "trainer/evaluation/face_columns.h"

namespace penumbra::trainer {
namespace {

data::SampleSet voted(const Table& votes) {
  data::SampleSet set = set_of(std::vector<std::int32_t>(votes.size(), 0), votes.front().size());
  set.votes = flat(votes);
  return set;
}

TEST(EntropyCeiling, IsThatOfTheTrueEntropiesOnSyntheticFaces) {
  data::SynthOptions options;
  options.size = 16;
  const data::SampleSet faces = data::synthesise(options, 0, 3000);
  const std::vector<float> shares = vote_distribution(faces);
  std::vector<double> truth, votes;
  for (std::size_t row = 0; row < faces.labels.size(); ++row) {
    truth.push_back(entropy(Shares(faces.distribution).subspan(row * 8, 8)));
    votes.push_back(entropy(Shares(shares).subspan(row * 8, 8)));
  }
  EXPECT_NEAR(entropy_ceiling(faces).value(), spearman(truth, votes), 0.03);
}

TEST(EntropyCeiling, IsOneWhereHalvesAlwaysAgree) {
  const std::vector<double> sure = {10, 0, 0, 0}, doubtful = {1, 1, 1, 1};
  EXPECT_NEAR(entropy_ceiling(voted({sure, doubtful, sure, doubtful})).value(), 1, 1e-12);
}

TEST(EntropyCeiling, IsLowWhereFacesDifferByChanceAlone) {
  Table votes;
  for (std::uint32_t row = 0; row < 4000; ++row) {
    data::Draws draws(5, data::Purpose::probe, 0, row);
    votes.push_back({0, 0, 0});
    for (int voter = 0; voter < 10; ++voter) ++votes.back()[draws.below(3)];
  }
  EXPECT_LT(entropy_ceiling(voted(votes)).value_or(0), 0.3);
}

TEST(EntropyCeiling, LeavesOutColumnsThatAreNoClassAndFacesWithOneVote) {
  Table votes;
  for (std::uint32_t row = 0; row < 300; ++row) {
    data::Draws draws(6, data::Purpose::probe, 0, row);
    const double sure = draws.uniform();
    votes.push_back({0, 0, 0, 0});
    for (int voter = 0; voter < 10; ++voter) ++votes.back()[draws.chance(sure) ? 0 : draws.below(4)];
  }
  const double ceiling = entropy_ceiling(voted(votes)).value();
  for (auto& row : votes) row.insert(row.end(), {7, 2});
  votes.push_back({0, 0, 1, 0, 5, 5});
  data::SampleSet wider = set_of(std::vector<std::int32_t>(votes.size(), 0), 4);
  wider.votes = flat(votes);
  EXPECT_EQ(entropy_ceiling(wider).value(), ceiling);
}

TEST(EntropyCeiling, IsUnknownWithoutCountedVotes) {
  EXPECT_FALSE(entropy_ceiling(set_of({0, 1, 1}, 2)));
  EXPECT_FALSE(entropy_ceiling(voted({{0.5, 0.5}, {1, 0}, {0.25, 0.75}})));
  EXPECT_FALSE(entropy_ceiling(voted({{1, 0}, {0, 1}, {1, 0}})));  // nothing to halve
  EXPECT_FALSE(entropy_ceiling(voted({{9, 0}, {0, 9}, {4, 0}})));  // all alike
}

}  // namespace
}  // namespace penumbra::trainer
