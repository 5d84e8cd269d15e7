#include "data/plan/epoch_plan.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/data/statistics.h"

namespace penumbra::data {
namespace {

using Flat = std::vector<std::pair<std::int64_t, std::int64_t>>;

std::vector<std::int32_t> cyclic_labels(int samples, int classes) {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < samples; ++i) labels.push_back(i % classes);
  return labels;
}

Flat flat(std::span<const Pair> pairs) {
  Flat out;
  for (const Pair& pair : pairs) out.emplace_back(pair.first, pair.second);
  return out;
}

Flat sorted(Flat pairs) {
  for (auto& [first, second] : pairs) {
    if (first > second) std::swap(first, second);
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

Flat all_batches(const EpochPlan& plan) {
  Flat all;
  for (std::int64_t step = 0; step < plan.steps(); ++step) {
    const auto batch = flat(plan.batch(step));
    all.insert(all.end(), batch.begin(), batch.end());
  }
  return all;
}

TEST(EpochPlan, GivesTheSameGlobalBatchesAtAnyNumberOfRanks) {
  const auto labels = cyclic_labels(203, 5);
  const EpochPlan plan(1, 2, 2, labels, 26);
  ASSERT_EQ(plan.steps(), 7);
  for (const int ranks : {1, 2, 3, 4, 7}) {
    for (std::int64_t step = 0; step < plan.steps(); ++step) {
      Flat together;
      std::size_t least = 1000, most = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const auto share = flat(plan.share(step, {rank, ranks}));
        together.insert(together.end(), share.begin(), share.end());
        least = std::min(least, share.size());
        most = std::max(most, share.size());
      }
      EXPECT_EQ(together, flat(plan.batch(step))) << ranks << " ranks, step " << step;
      EXPECT_LE(most - least, 1u) << ranks << " ranks, step " << step;
    }
  }
}

TEST(EpochPlan, HasEveryPairOfTheMatchingOnceWhenBatchesFit) {
  const auto labels = cyclic_labels(120, 4);
  const EpochPlan plan(1, 5, 5, labels, 24);
  EXPECT_EQ(plan.steps(), 5);
  EXPECT_EQ(sorted(all_batches(plan)), sorted(flat(match(labels, 1, 5))));
}

TEST(EpochPlan, LeavesOutOnlyTheLastIncompleteBatch) {
  const auto labels = cyclic_labels(131, 4);
  const EpochPlan plan(1, 5, 5, labels, 24);
  EXPECT_EQ(plan.steps(), 5);
  const auto seen = sorted(all_batches(plan)), whole = sorted(flat(match(labels, 1, 5)));
  EXPECT_EQ(seen.size(), 60u);
  EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 60u);
  EXPECT_TRUE(std::includes(whole.begin(), whole.end(), seen.begin(), seen.end()));
}

TEST(EpochPlan, SharesAMatchingBetweenEpochsThatDifferInOrder) {
  const auto labels = cyclic_labels(120, 4);
  const auto of = [&](std::uint32_t epoch, std::uint32_t matching) {
    return all_batches(EpochPlan(1, epoch, matching, labels, 24));
  };
  EXPECT_NE(of(0, 0), of(4, 0));
  EXPECT_EQ(sorted(of(0, 0)), sorted(of(4, 0)));
  EXPECT_NE(sorted(of(0, 0)), sorted(of(0, 1)));
  EXPECT_EQ(of(4, 0), all_batches(EpochPlan(1, 4, match(labels, 1, 0), 24)));
}

TEST(EpochPlan, PutsAPairInEveryStepEquallyOften) {
  const auto labels = cyclic_labels(24, 3);
  const auto matching = match(labels, 1, 0);
  std::vector<double> counts(6);
  for (std::uint32_t epoch = 0; epoch < 12000; ++epoch) {
    const EpochPlan plan(1, epoch, matching, 4);
    for (std::int64_t step = 0; step < plan.steps(); ++step) {
      for (const Pair& pair : plan.batch(step))
        counts[static_cast<std::size_t>(step)] += pair.first == matching[0].first;
    }
  }
  EXPECT_LT(testing::chi_square_deviate(counts), testing::kDeviateLimit);
}

TEST(EpochPlan, RefusesWhatItCannotPlan) {
  const auto labels = cyclic_labels(10, 2);
  EXPECT_THROW(EpochPlan(1, 0, 0, labels, 5), std::invalid_argument);
  EXPECT_THROW(EpochPlan(1, 0, 0, labels, 0), std::invalid_argument);
  const EpochPlan plan(1, 0, 0, labels, 4);
  EXPECT_THROW(plan.batch(2), std::out_of_range);
  EXPECT_THROW(plan.batch(-1), std::out_of_range);
  EXPECT_THROW(plan.share(0, {2, 2}), std::invalid_argument);
  EXPECT_EQ(EpochPlan(1, 0, 0, labels, 12).steps(), 0);
}

}  // namespace
}  // namespace penumbra::data
