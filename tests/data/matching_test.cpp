#include "data/plan/matching.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data/plan/philox.h"
#include "data/plan/shuffle.h"
#include "tests/data/statistics.h"

namespace penumbra::data {
namespace {

using testing::chi_square_deviate;
using testing::kDeviateLimit;

/// Labels with the given number of samples a class, in an order of their own.
std::vector<std::int32_t> labels_of(const std::vector<int>& histogram, std::uint64_t seed = 1) {
  std::vector<std::int32_t> labels;
  for (std::size_t c = 0; c < histogram.size(); ++c)
    labels.insert(labels.end(), static_cast<std::size_t>(histogram[c]), static_cast<std::int32_t>(c));
  Draws draws(seed, Purpose::probe, 0, 0);
  shuffle(std::span(labels), draws);
  return labels;
}

/// Each row at most once, floor(N/2) pairs, and exactly as many of two classes as there can be.
void expect_law(const std::vector<std::int32_t>& labels, const std::vector<Pair>& pairs) {
  const auto n = static_cast<std::int64_t>(labels.size());
  ASSERT_EQ(static_cast<std::int64_t>(pairs.size()), n / 2);
  std::set<std::int64_t> rows;
  std::int64_t crossing = 0;
  for (const Pair& pair : pairs) {
    const auto [first, second] = std::pair(pair.first, pair.second);
    for (const auto row : {first, second}) {
      ASSERT_TRUE(row >= 0 && row < n);
      ASSERT_TRUE(rows.insert(row).second) << "row " << row << " is matched twice";
    }
    crossing += labels[static_cast<std::size_t>(first)] != labels[static_cast<std::size_t>(second)];
  }
  std::map<std::int32_t, std::int64_t> counts;
  std::int64_t largest = 0;
  for (const auto label : labels) largest = std::max(largest, ++counts[label]);
  EXPECT_EQ(crossing, std::min(n / 2, n - largest));
}

TEST(Matching, OfEverySmallHistogramCrossesClassesWhereverItCan) {
  for (int a = 0; a <= 5; ++a) {
    for (int b = 0; b <= 5; ++b) {
      for (int c = 0; c <= 3; ++c) {
        for (std::uint32_t epoch = 0; epoch < 8; ++epoch) {
          const auto labels = labels_of({a, b, c}, epoch);
          SCOPED_TRACE(::testing::Message() << a << " " << b << " " << c << " epoch " << epoch);
          expect_law(labels, match(labels, 9, epoch));
        }
      }
    }
  }
}

TEST(Matching, CrossesClassesWhereverItCanUnderImbalance) {
  const std::vector<std::vector<int>> histograms = {{1000},
                                                    {1001},
                                                    {1000, 1},
                                                    {1, 1000},
                                                    {500, 500},
                                                    {501, 500},
                                                    {500, 499, 1},
                                                    {334, 333, 333},
                                                    {900, 20, 20, 20, 20, 10, 9},
                                                    {2, 3, 5, 7, 11, 13, 17, 1000},
                                                    {8733, 7284, 3136, 3022, 2098, 119, 536, 120}};
  for (const auto& histogram : histograms) {
    for (std::uint32_t epoch = 0; epoch < 10; ++epoch) {
      const auto labels = labels_of(histogram);
      SCOPED_TRACE(::testing::Message() << "first class " << histogram[0] << ", epoch " << epoch);
      expect_law(labels, match(labels, 3, epoch));
    }
  }
}

TEST(Matching, OfRandomHistogramsCrossesClassesWhereverItCan) {
  Draws draws(5, Purpose::probe, 1, 0);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<int> histogram(1 + draws.below(10));
    for (int& count : histogram) count = static_cast<int>(draws.below(draws.chance(0.2) ? 200 : 20));
    const auto labels = labels_of(histogram);
    SCOPED_TRACE(trial);
    expect_law(labels, match(labels, 3, static_cast<std::uint32_t>(trial)));
  }
}

TEST(Matching, IsAFunctionOfItsKey) {
  const auto labels = labels_of({40, 30, 30});
  const auto rows = [&](std::uint64_t seed, std::uint32_t epoch) {
    std::vector<std::int64_t> flat;
    for (const Pair& pair : match(labels, seed, epoch)) flat.insert(flat.end(), {pair.first, pair.second});
    return flat;
  };
  EXPECT_EQ(rows(1, 2), rows(1, 2));
  EXPECT_NE(rows(1, 2), rows(1, 3));
  EXPECT_NE(rows(1, 2), rows(2, 2));
}

/// The partner of `row` in each of many epochs; -1 when it sits out.
std::vector<std::int64_t> partners_over_epochs(const std::vector<std::int32_t>& labels, std::int64_t row, int epochs) {
  std::vector<std::int64_t> partners;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    std::int64_t partner = -1;
    for (const Pair& pair : match(labels, 11, static_cast<std::uint32_t>(epoch))) {
      if (pair.first == row) partner = pair.second;
      if (pair.second == row) partner = pair.first;
    }
    partners.push_back(partner);
  }
  return partners;
}

// Classes of one size are interchangeable, and so are their samples.
TEST(Matching, OfBalancedClassesMeetsEverySampleOfTheOthersEquallyOften) {
  const auto labels = labels_of({6, 6, 6, 6});
  const std::int64_t row = 5;
  std::vector<double> by_row(labels.size()), by_class(4);
  for (const std::int64_t partner : partners_over_epochs(labels, row, 18000)) {
    ASSERT_GE(partner, 0);
    ++by_row[static_cast<std::size_t>(partner)];
    ++by_class[static_cast<std::size_t>(labels[static_cast<std::size_t>(partner)])];
  }
  std::vector<double> others;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != labels[row]) others.push_back(by_row[i]);
  }
  EXPECT_EQ(by_class[static_cast<std::size_t>(labels[row])], 0);
  by_class.erase(by_class.begin() + labels[row]);
  EXPECT_LT(chi_square_deviate(others), kDeviateLimit);
  EXPECT_LT(chi_square_deviate(by_class), kDeviateLimit);
}

// Where one class has the majority, each of its samples is as likely as the next to meet another class.
TEST(Matching, OfAMajorityMeetsEachMinoritySampleWithEachOfTheMajorityEquallyOften) {
  const auto labels = labels_of({12, 2, 2});
  const auto row = std::find(labels.begin(), labels.end(), 1) - labels.begin();
  std::vector<double> counts;
  std::vector<double> by_row(labels.size());
  for (const std::int64_t partner : partners_over_epochs(labels, row, 12000))
    ++by_row[static_cast<std::size_t>(partner)];
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == 0) {
      counts.push_back(by_row[i]);
    } else {
      EXPECT_EQ(by_row[i], 0);
    }
  }
  EXPECT_LT(chi_square_deviate(counts), kDeviateLimit);
}

std::vector<double> sit_outs(const std::vector<std::int32_t>& labels, int epochs) {
  std::vector<double> counts(labels.size());
  for (int epoch = 0; epoch < epochs; ++epoch) {
    auto missing = static_cast<std::int64_t>(labels.size() * (labels.size() - 1) / 2);
    for (const Pair& pair : match(labels, 4, static_cast<std::uint32_t>(epoch))) missing -= pair.first + pair.second;
    ++counts.at(static_cast<std::size_t>(missing));
  }
  return counts;
}

TEST(Matching, OfAnOddNumberLeavesOutEachSampleEquallyOften) {
  EXPECT_LT(chi_square_deviate(sit_outs(labels_of({5, 4, 4}), 13000)), kDeviateLimit);
  EXPECT_LT(chi_square_deviate(sit_outs(labels_of({2, 3, 2}), 7000)), kDeviateLimit);
}

// Leaving out another one would cost a pair of two classes.
TEST(Matching, OfAnOddNumberWithAMajorityLeavesOutEachOfItEquallyOften) {
  const auto labels = labels_of({9, 3, 1});
  const auto counts = sit_outs(labels, 9000);
  std::vector<double> large;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == 0) {
      large.push_back(counts[i]);
    } else {
      EXPECT_EQ(counts[i], 0);
    }
  }
  EXPECT_LT(chi_square_deviate(large), kDeviateLimit);
}

// As large as the largest public set; a quadratic matching would run into the test's time limit.
TEST(Matching, OfThreeHundredThousandSamplesCrossesClassesWhereverItCan) {
  for (const auto& histogram :
       std::vector<std::vector<int>>{{74874, 134415, 25459, 14090, 6378, 3803, 24882, 3750}, {200000, 60000, 39999}}) {
    const auto labels = labels_of(histogram);
    expect_law(labels, match(labels, 1, 1));
  }
}

}  // namespace
}  // namespace penumbra::data
