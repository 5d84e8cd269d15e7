#include "trainer/loop/interval.h"

#include <array>
#include <cmath>
#include <limits>
#include <thread>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trainer/fake_collective.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::ThreadRanks;
using ::testing::ElementsAre;
using ::testing::IsNan;

constexpr int kRanks = 2;

/// What a rank's share of a step tells: a loss, and its faces' lambda and D. The rest is 0.
StepResult step(double loss, const at::Tensor& lambda, const at::Tensor& divergence, double norm = 1) {
  const at::Tensor zero = at::zeros({});
  Objective objective;
  for (at::Tensor Objective::*scalar : {&Objective::total, &Objective::ce_original, &Objective::ce_ambiguous,
                                        &Objective::attention, &Objective::alignment, &Objective::correct_original,
                                        &Objective::correct_ambiguous, &Objective::moved, &Objective::empty_attention})
    objective.*scalar = zero;
  objective.total = at::full({}, loss);
  Observation seen;
  seen.agreement = zero;
  seen.uncertainty = seen.attention_norm = seen.attention_spread = {zero, zero};
  seen.histogram = at::zeros({2, kUncertaintyBuckets});
  seen.histogram.select(1, 3).fill_(static_cast<double>(lambda.numel()));
  seen.class_uncertainty = at::tensor({0.5, 0., 0.5, 0.}, at::kFloat).reshape({2, 2});
  seen.class_count = at::tensor({2., 0.}, at::kFloat);
  const at::Tensor x = lambda.to(at::kDouble), y = divergence.to(at::kDouble), one = at::ones_like(x);
  seen.mix_moments = at::stack({one.sum(), x.sum(), y.sum(), x.sum(), (x * x).sum(), (x * y).sum(), y.sum(),
                                (x * y).sum(), (y * y).sum()})
                         .reshape({3, 3});
  return {{objective}, {seen}, at::full({2}, norm, at::kFloat), at::full({}, norm, at::kFloat), {}};
}

/// Both ranks take `steps`, and say the same.
IntervalReport taken(const std::array<std::vector<StepResult>, kRanks>& steps) {
  ThreadRanks ranks(kRanks);
  std::array<IntervalReport, kRanks> reports;
  std::vector<std::jthread> threads;
  for (int r = 0; r < kRanks; ++r) {
    threads.emplace_back([&, r] {
      ThreadRanks::Rank rank(ranks, r);
      Interval interval(rank);
      for (const StepResult& one : steps[static_cast<std::size_t>(r)]) {
        interval.add(one);
        interval.count(one.seconds, 0);
      }
      reports[static_cast<std::size_t>(r)] = interval.take(8);
    });
  }
  threads.clear();
  EXPECT_EQ(reports[0].loss, reports[1].loss);
  EXPECT_EQ(reports[0].original.histogram, reports[1].original.histogram);
  return reports[0];
}

const at::Tensor kLambda = at::tensor({0.5, 0.7}, at::kFloat), kOtherLambda = at::tensor({0.9, 1.0}, at::kFloat);

TEST(Interval, IsTheMeanOverStepsOfWhatTheRanksAddUpTo) {
  const at::Tensor d = at::tensor({0.1, 0.2}, at::kFloat);
  const IntervalReport report =
      taken({{{step(0.25, kLambda, d), step(1, kLambda, d)}, {step(0.75, kLambda, d), step(2, kLambda, d)}}});
  EXPECT_DOUBLE_EQ(report.loss, 2);
  EXPECT_DOUBLE_EQ(report.gradient_norm, 1);
  EXPECT_EQ(report.taken, 2);
  EXPECT_EQ(report.original.histogram[3], 8);
  EXPECT_THAT(report.ambiguous.class_uncertainty, ElementsAre(0.25, IsNan())) << "no face is of the second class";
}

TEST(Interval, LeavesOutStepsThatAreNoNumbers) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const at::Tensor d = at::tensor({0.1, 0.2}, at::kFloat), broken = at::full({2}, kNan);
  const std::vector<StepResult> steps = {step(0.5, kLambda, d), step(kNan, kLambda, broken, kNan)};
  const IntervalReport report = taken({steps, steps});
  EXPECT_DOUBLE_EQ(report.loss, 1);
  EXPECT_EQ(report.skipped, 1);
  EXPECT_TRUE(std::isfinite(report.mix_correlation));
}

TEST(Interval, CorrelatesTheDivergenceWithTheMixOverAllRanksFaces) {
  const auto correlation = [](const at::Tensor& here, const at::Tensor& there) {
    return taken({{{step(0, kLambda, here)}, {step(0, kOtherLambda, there)}}}).mix_correlation;
  };
  EXPECT_NEAR(correlation(0.3 * kLambda, 0.3 * kOtherLambda), 1, 1e-6);
  EXPECT_NEAR(correlation(1 - kLambda, 1 - kOtherLambda), -1, 1e-6);
  // lambda .5 .7 .9 1, D .1 .3 .2 .4: products of their deviations from .775 and .25 add up to .065, squares to .1475
  // and .05.
  EXPECT_NEAR(correlation(at::tensor({0.1, 0.3}, at::kFloat), at::tensor({0.2, 0.4}, at::kFloat)),
              0.065 / std::sqrt(0.1475 * 0.05), 1e-5);
  EXPECT_THAT(correlation(at::zeros({2}), at::zeros({2})), IsNan()) << "one space alone: nothing varies";
}

}  // namespace
}  // namespace penumbra::trainer
