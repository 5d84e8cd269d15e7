#include "data/plan/occurrences.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "data/plan/epoch_plan.h"

namespace penumbra::data {
namespace {

/// 60 samples of class 0, 25 of class 1, 4 of class 2.
std::vector<std::int32_t> uneven_labels() {
  std::vector<std::int32_t> labels(60, 0);
  labels.insert(labels.end(), 25, 1);
  labels.insert(labels.end(), 4, 2);
  return labels;
}

std::map<std::int32_t, std::int64_t> per_class(const std::vector<Occurrence>& occurrences) {
  std::map<std::int32_t, std::int64_t> counts;
  for (const Occurrence& one : occurrences) ++counts[uneven_labels()[static_cast<std::size_t>(one.row)]];
  return counts;
}

TEST(Occurrences, FillClassesUpToTheLargestButRepeatNobodyTooOften) {
  using Counts = std::map<std::int32_t, std::int64_t>;
  EXPECT_EQ(per_class(draw_occurrences(uneven_labels(), 1, 1, 0)), (Counts{{0, 60}, {1, 25}, {2, 4}}));
  EXPECT_EQ(per_class(draw_occurrences(uneven_labels(), 5, 1, 0)), (Counts{{0, 60}, {1, 60}, {2, 20}}));
  EXPECT_EQ(per_class(draw_occurrences(uneven_labels(), 1000, 1, 0)), (Counts{{0, 60}, {1, 60}, {2, 60}}));
}

TEST(Occurrences, AreNumberedAndDifferByOneWithinAClass) {
  const auto occurrences = draw_occurrences(uneven_labels(), 5, 1, 0);
  std::map<std::int64_t, std::uint32_t> times;
  for (const Occurrence& one : occurrences) EXPECT_EQ(one.number, times[one.row]++);
  ASSERT_EQ(times.size(), 89U) << "nobody is left out";
  for (std::int64_t row = 60; row < 85; ++row) EXPECT_TRUE(times[row] == 2 || times[row] == 3);
  EXPECT_EQ(count_occurrences(uneven_labels(), 5), static_cast<std::int64_t>(occurrences.size()));
}

TEST(Occurrences, GiveTheOddOneToOthersInAnotherEpoch) {
  const auto repeated = [](std::uint32_t epoch) {
    std::set<std::int64_t> rows;
    for (const Occurrence& one : draw_occurrences(uneven_labels(), 5, 1, epoch)) {
      if (one.number == 2) rows.insert(one.row);
    }
    return rows;
  };
  EXPECT_EQ(repeated(0), repeated(0));
  EXPECT_NE(repeated(0), repeated(1));
}

void expect_the_same_at_any_ranks(const PlanOptions& options) {
  const auto labels = uneven_labels();
  const EpochPlan plan(3, 1, 1, labels, 128, options);
  ASSERT_EQ(plan.steps(), count_steps(labels, 128, options));
  ASSERT_EQ(plan.steps(), 1);
  for (int ranks = 1; ranks <= 64; ++ranks) {
    auto expected = plan.batch(0).begin();
    for (int rank = 0; rank < ranks; ++rank) {
      for (const Pair& pair : plan.share(0, {rank, ranks})) {
        EXPECT_EQ(std::tie(pair.first, pair.second, pair.first_occurrence, pair.second_occurrence),
                  std::tie(expected->first, expected->second, expected->first_occurrence, expected->second_occurrence));
        ++expected;
      }
    }
    EXPECT_TRUE(expected == plan.batch(0).end());
  }
}

TEST(BalancedPlan, IsTheSameAtOneToSixtyFourRanks) { expect_the_same_at_any_ranks({{}, 5}); }

TEST(BalancedPlan, OfWindowsIsTheSameAtOneToSixtyFourRanks) { expect_the_same_at_any_ranks({{8, 32}, 5}); }

TEST(BalancedPlan, HasEachOccurrenceOnceAndPairsAcrossClasses) {
  const auto labels = uneven_labels();
  const EpochPlan plan(3, 1, 1, labels, 14, {{}, 5});
  ASSERT_EQ(plan.steps(), 10);
  std::set<std::pair<std::int64_t, std::uint32_t>> seen;
  for (std::int64_t step = 0; step < plan.steps(); ++step) {
    for (const Pair& pair : plan.batch(step)) {
      EXPECT_TRUE(seen.emplace(pair.first, pair.first_occurrence).second);
      EXPECT_TRUE(seen.emplace(pair.second, pair.second_occurrence).second);
      EXPECT_NE(labels[static_cast<std::size_t>(pair.first)], labels[static_cast<std::size_t>(pair.second)]);
    }
  }
  EXPECT_EQ(seen.size(), 140U);
}

TEST(BalancedPlan, OfWindowsHasAsManyStepsInEveryEpoch) {
  const auto labels = uneven_labels();
  for (std::uint32_t epoch = 0; epoch < 50; ++epoch) {
    const EpochPlan plan(3, epoch, epoch, labels, 4, {{8, 16}, 5});
    EXPECT_EQ(plan.steps(), count_steps(labels, 4, {{8, 16}, 5}));
  }
}

}  // namespace
}  // namespace penumbra::data
