#include "trainer/evaluation/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/trainer/measures_testing.h"
#include "trainer/evaluation/measure_intervals.h"

namespace penumbra::trainer {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Multiplicities, CountTheDrawsOfAResample) {
  const std::vector<double> counts = multiplicities(50, 3, 9);
  std::vector<double> expected(50, 0);
  for (const std::size_t row : drawn_rows(50, 3, 9)) ++expected[row];
  EXPECT_EQ(counts, expected);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0.0), 50);
  EXPECT_NE(multiplicities(50, 4, 9), counts);
  EXPECT_NE(multiplicities(50, 3, 10), counts);
}

TEST(Replicates, EqualMeasuresOfTheResampledFacesWrittenOut) {
  const Measured faces = random_measured(80, 4, 1);
  const FaceColumns columns = faces.columns();
  BootstrapOptions options;
  options.resamples = 20;
  options.seed = 11;
  const auto statistic = [&](std::uint32_t, Weights weights) { return values_of(scalars(measure(columns, weights))); };
  const auto rows = replicates(80, statistic, options);
  for (std::uint32_t r = 0; r < 20; ++r) {
    const Measured resampled = taken(faces, drawn_rows(80, r, 11));
    const auto expected = scalars(measure(resampled.columns()));
    ASSERT_EQ(rows.size(), expected.size());
    for (std::size_t k = 0; k < rows.size(); ++k) EXPECT_NEAR(rows[k][r], expected[k].value, 1e-12) << expected[k].name;
  }
}

TEST(Replicates, DoNotDependOnThreads) {
  const Measured faces = random_measured(120, 3, 2);
  const FaceColumns columns = faces.columns();
  const auto statistic = [&](std::uint32_t, Weights weights) { return values_of(scalars(measure(columns, weights))); };
  BootstrapOptions options;
  options.resamples = 37;
  const auto alone = replicates(120, statistic, options);
  options.threads = 4;
  EXPECT_EQ(replicates(120, statistic, options), alone);
}

TEST(Replicates, RefuseToResampleNothing) {
  const auto statistic = [](std::uint32_t, Weights) { return std::vector<double>{0}; };
  EXPECT_THROW(replicates(0, statistic, {}), std::invalid_argument);
  EXPECT_THROW(replicates(5, statistic, {0, 1, 1}), std::invalid_argument);
}

TEST(PercentileInterval, LeavesTheSameShareOnBothSides) {
  std::vector<double> values(101);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i * 37 % 101);
  const ConfidenceInterval all = percentile_interval(values);
  EXPECT_NEAR(all.low, 2.5, 1e-12);
  EXPECT_NEAR(all.high, 97.5, 1e-12);
  const ConfidenceInterval half = percentile_interval(std::vector<double>{4, kNan, 0, 2, kNan, 1, 3}, 0.5);
  EXPECT_DOUBLE_EQ(half.low, 1);
  EXPECT_DOUBLE_EQ(half.high, 3);
  EXPECT_TRUE(std::isnan(percentile_interval(std::vector<double>{kNan}).low));
}

TEST(TwoSidedP, IsTwiceTheSmallerTailAndNeverZero) {
  const std::vector<double> one_below{-1, 1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_DOUBLE_EQ(two_sided_p(one_below), 2 * 2 / 10.0);
  EXPECT_DOUBLE_EQ(two_sided_p(std::vector<double>(99, -0.5)), 2 / 100.0);
  EXPECT_DOUBLE_EQ(two_sided_p(std::vector<double>(99, 0)), 1);
  EXPECT_DOUBLE_EQ(two_sided_p(std::vector<double>{-1, 1, kNan}), 1);
  EXPECT_TRUE(std::isnan(two_sided_p(std::vector<double>{kNan})));
}

TEST(MeasureIntervals, HoldTheTrueAccuracyInAboutNineteenOfTwentySamples) {
  constexpr double kAccuracy = 0.7;
  constexpr int kSamples = 200, kFaces = 150;
  int held = 0;
  for (int sample = 0; sample < kSamples; ++sample) {
    data::Draws draws(4, data::Purpose::probe, 7, static_cast<std::uint32_t>(sample));
    std::vector<double> right;
    for (int i = 0; i < kFaces; ++i) right.push_back(draws.chance(kAccuracy));
    const auto accuracy = [&](std::uint32_t, Weights weights) {
      return std::vector{std::inner_product(right.begin(), right.end(), weights.begin(), 0.0) / kFaces};
    };
    const ConfidenceInterval interval = percentile_interval(replicates(kFaces, accuracy, {400, 1, 1})[0]);
    held += interval.low <= kAccuracy && kAccuracy <= interval.high;
  }
  EXPECT_GE(held, 0.90 * kSamples);
  EXPECT_LE(held, 0.99 * kSamples);
}

TEST(MeasureIntervals, AreThoseOfEachMeasureAndOfEachClass) {
  const Measured faces = random_measured(300, 4, 3);
  const FaceColumns columns = faces.columns();
  const MeasureIntervals intervals = measure_intervals(columns, {});
  const auto values = scalars(measure(columns));
  ASSERT_EQ(intervals.scalars.size(), values.size());
  for (std::size_t k = 0; k < values.size(); ++k) {
    EXPECT_LT(intervals.scalars[k].low, intervals.scalars[k].high) << values[k].name;
    // A calibration error is a mean of absolute gaps: resampling adds noise to each, and can only make it larger.
    const bool biased = values[k].name == "ece" || values[k].name == "classwise_ece";
    EXPECT_TRUE(biased || intervals.scalars[k].low <= values[k].value) << values[k].name;
    EXPECT_GE(intervals.scalars[k].high, values[k].value) << values[k].name;
  }
  const auto classes = by_class(measure(columns));
  ASSERT_EQ(intervals.classes.size(), 4U);
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_LT(intervals.classes[c].recall.low, *classes[c].recall);
    EXPECT_GT(intervals.classes[c].recall.high, *classes[c].recall);
  }
}

TEST(MeasureIntervals, OfClassesAreThoseOfTheResampledFacesWrittenOut) {
  constexpr int kResamples = 40;
  const Measured faces = random_measured(60, 3, 7);
  const MeasureIntervals intervals = measure_intervals(faces.columns(), {kResamples, 5, 1});
  using Side = std::pair<std::optional<double> ClassMeasures::*, ConfidenceInterval ClassIntervals::*>;
  for (const auto& [value, side] :
       {Side{&ClassMeasures::recall, &ClassIntervals::recall},
        Side{&ClassMeasures::precision, &ClassIntervals::precision}, Side{&ClassMeasures::f1, &ClassIntervals::f1}}) {
    ASSERT_EQ(intervals.classes.size(), 3U);
    for (std::size_t c = 0; c < 3; ++c) {
      std::vector<double> replicated;
      for (int r = 0; r < kResamples; ++r) {
        const Measured resampled = taken(faces, drawn_rows(60, r, 5));
        replicated.push_back((by_class(measure(resampled.columns()))[c].*value).value_or(kNan));
      }
      const ConfidenceInterval expected = percentile_interval(replicated);
      EXPECT_DOUBLE_EQ((intervals.classes[c].*side).low, expected.low);
      EXPECT_DOUBLE_EQ((intervals.classes[c].*side).high, expected.high);
    }
  }
}

TEST(MeasureIntervals, DoNotExistWhereTheMeasureDoesNot) {
  const MeasureIntervals intervals =
      measure_intervals(FaceColumns(flat({{0.9, 0.1}, {0.8, 0.2}}), set_of({0, 0}, 2)), {50, 1, 1});
  const auto values = scalars(measure(flat({{0.9, 0.1}, {0.8, 0.2}}), set_of({0, 0}, 2)));
  for (std::size_t k = 0; k < values.size(); ++k) {
    EXPECT_EQ(std::isnan(intervals.scalars[k].low), std::isnan(values[k].value)) << values[k].name;
  }
  EXPECT_TRUE(std::isnan(intervals.classes[1].recall.low));
}

}  // namespace
}  // namespace penumbra::trainer
