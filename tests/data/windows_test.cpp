#include "data/plan/windows.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/plan/epoch_plan.h"

namespace penumbra::data {
namespace {

constexpr Windows kWindows{8, 40};

std::vector<std::int32_t> labels_of(int samples) {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < samples; ++i) labels.push_back(i * i % 5);
  return labels;
}

TEST(Windows, HoldEveryRowOnceInWholeBlocks) {
  const auto windows = draw_windows(203, kWindows, 1, 2);
  ASSERT_EQ(windows.size(), 6U);
  std::multiset<std::int64_t> seen;
  for (const auto& window : windows) {
    seen.insert(window.begin(), window.end());
    for (std::size_t i = 0; i < window.size(); i += 8) {
      EXPECT_EQ(window[i] % 8, 0);
      for (std::size_t k = 1; k < 8 && i + k < window.size() && window[i] + 8 <= 203; ++k)
        EXPECT_EQ(window[i + k], window[i] + static_cast<std::int64_t>(k));
      if (window[i] + 8 > 203) break;  // the set's last block is a short one
    }
  }
  ASSERT_EQ(seen.size(), 203U);
  EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 203U);
}

TEST(Windows, DifferFromEpochToEpochAndBySeedOnly) {
  EXPECT_EQ(draw_windows(400, kWindows, 1, 2), draw_windows(400, kWindows, 1, 2));
  EXPECT_NE(draw_windows(400, kWindows, 1, 2), draw_windows(400, kWindows, 1, 3));
  EXPECT_NE(draw_windows(400, kWindows, 1, 2), draw_windows(400, kWindows, 2, 2));
}

TEST(Windows, OfOddBlocksAreRefused) { EXPECT_THROW(draw_windows(20, {5, 10}, 1, 0), std::invalid_argument); }

TEST(WindowedPlan, IsTheSameAtOneToSixtyFourRanks) {
  const auto labels = labels_of(1601);
  const EpochPlan plan(3, 1, 1, labels, 256, {{16, 320}});
  ASSERT_EQ(plan.steps(), 6);
  for (int ranks = 1; ranks <= 64; ++ranks) {
    for (std::int64_t step = 0; step < plan.steps(); ++step) {
      auto expected = plan.batch(step).begin();
      for (int rank = 0; rank < ranks; ++rank) {
        for (const Pair& pair : plan.share(step, {rank, ranks})) {
          EXPECT_EQ(pair.first, expected->first);
          EXPECT_EQ(pair.second, expected++->second);
        }
      }
      EXPECT_TRUE(expected == plan.batch(step).end());
    }
  }
}

TEST(WindowedPlan, PairsWithinAWindowAndGoesThroughThemInOrder) {
  const auto labels = labels_of(400);
  const auto windows = draw_windows(400, kWindows, 3, 1);
  const EpochPlan plan(3, 1, 1, labels, 40, {kWindows});
  ASSERT_EQ(plan.steps(), 10);  // one a window
  std::int64_t crossing = 0;
  for (std::int64_t step = 0; step < plan.steps(); ++step) {
    std::vector<std::int64_t> rows;
    for (const Pair& pair : plan.batch(step)) {
      rows.insert(rows.end(), {pair.first, pair.second});
      crossing += labels[static_cast<std::size_t>(pair.first)] != labels[static_cast<std::size_t>(pair.second)];
    }
    EXPECT_THAT(rows, ::testing::UnorderedElementsAreArray(windows[static_cast<std::size_t>(step)]));
  }
  EXPECT_EQ(crossing, 200) << "no window has a class of more than half";
}

TEST(WindowedPlan, WithOneWindowIsThePlanWithoutAny) {
  const auto labels = labels_of(120);
  const EpochPlan with(3, 1, 1, labels, 24, {{8, 120}}), without(3, 1, 1, labels, 24);
  for (std::int64_t step = 0; step < without.steps(); ++step) {
    EXPECT_TRUE(std::ranges::equal(with.batch(step), without.batch(step), [](const Pair& a, const Pair& b) {
      return a.first == b.first && a.second == b.second;
    }));
  }
}

}  // namespace
}  // namespace penumbra::data
