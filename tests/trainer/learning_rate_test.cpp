#include "trainer/optim/learning_rate.h"

#include <cmath>

#include <gtest/gtest.h>

namespace penumbra::trainer {
namespace {

constexpr double kBatch = 256;

ScheduleOptions options(ScheduleKind kind) {
  ScheduleOptions out;
  out.kind = kind;
  out.learning_rate = 0.4;
  out.warm_up_epochs = 2;
  return out;
}

double rate(const ScheduleOptions& o, double epoch, double epochs = 10) {
  return learning_rate_at(o, epoch, epochs, kBatch);
}

TEST(LearningRate, WarmUpIsAStraightLineFromZeroToThePeakForEverySchedule) {
  for (const auto kind :
       {ScheduleKind::cosine, ScheduleKind::step, ScheduleKind::exponential, ScheduleKind::constant}) {
    const ScheduleOptions o = options(kind);
    EXPECT_EQ(rate(o, 0), 0);
    EXPECT_DOUBLE_EQ(rate(o, 0.5), 0.1);
    EXPECT_DOUBLE_EQ(rate(o, 1.5), 0.3);
    EXPECT_DOUBLE_EQ(rate(o, 2), 0.4);
  }
}

TEST(LearningRate, EveryScheduleIsContinuousAtTheEndOfTheWarmUp) {
  for (const auto kind :
       {ScheduleKind::cosine, ScheduleKind::step, ScheduleKind::exponential, ScheduleKind::constant}) {
    ScheduleOptions o = options(kind);
    o.milestones = {1, 5};  // one inside the warm-up
    EXPECT_NEAR(rate(o, 2 - 1e-9), rate(o, 2 + 1e-9), 1e-8);
  }
}

TEST(LearningRate, CosineGoesFromThePeakToItsFinalShareAndStaysThere) {
  ScheduleOptions o = options(ScheduleKind::cosine);
  o.final_share = 0.1;
  // Between 2 and 10: cos(0), cos(pi/3) = 1/2, cos(pi/2) = 0, cos(2pi/3) = -1/2, cos(pi).
  EXPECT_DOUBLE_EQ(rate(o, 2), 0.4);
  EXPECT_NEAR(rate(o, 2 + 8.0 / 3), 0.4 * (0.1 + 0.9 * 0.75), 1e-15);
  EXPECT_NEAR(rate(o, 6), 0.4 * 0.55, 1e-15);
  EXPECT_NEAR(rate(o, 2 + 16.0 / 3), 0.4 * (0.1 + 0.9 * 0.25), 1e-15);
  EXPECT_NEAR(rate(o, 10), 0.04, 1e-15);
  EXPECT_NEAR(rate(o, 12), 0.04, 1e-15);
}

TEST(LearningRate, CosineWithoutWarmUpStartsAtThePeak) {
  ScheduleOptions o = options(ScheduleKind::cosine);
  o.warm_up_epochs = 0;
  EXPECT_DOUBLE_EQ(rate(o, 0), 0.4);
  EXPECT_NEAR(rate(o, 5), 0.2, 1e-15);
  EXPECT_NEAR(rate(o, 10), 0, 1e-15);
}

TEST(LearningRate, ARunShorterThanItsWarmUpStaysOnTheLine) {
  const ScheduleOptions o = options(ScheduleKind::cosine);
  EXPECT_DOUBLE_EQ(rate(o, 0.5, 1), 0.1);
  EXPECT_DOUBLE_EQ(rate(o, 2, 2), 0.4);
}

TEST(LearningRate, StepMultipliesByGammaAtEachMilestone) {
  ScheduleOptions o = options(ScheduleKind::step);
  o.milestones = {4, 7};
  EXPECT_DOUBLE_EQ(rate(o, 3.999), 0.4);
  EXPECT_DOUBLE_EQ(rate(o, 4), 0.04);
  EXPECT_DOUBLE_EQ(rate(o, 6.999), 0.04);
  EXPECT_NEAR(rate(o, 7), 0.004, 1e-17);
}

TEST(LearningRate, ExponentialLosesTheSameShareEveryEpochAfterTheWarmUp) {
  ScheduleOptions o = options(ScheduleKind::exponential);
  o.gamma = 0.5;
  EXPECT_DOUBLE_EQ(rate(o, 3), 0.2);
  EXPECT_DOUBLE_EQ(rate(o, 5), 0.05);
  EXPECT_NEAR(rate(o, 3.5), 0.2 * std::sqrt(0.5), 1e-15);
}

TEST(LearningRate, BatchScalingFollowsTheRatioToTheReferenceBatch) {
  ScheduleOptions o = options(ScheduleKind::constant);
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 5, 10, 1024), 0.4);
  o.batch_scaling = BatchScaling::linear;
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 5, 10, 1024), 1.6);
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 1, 10, 64), 0.05);
  o.batch_scaling = BatchScaling::sqrt;
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 5, 10, 1024), 0.8);
}

}  // namespace
}  // namespace penumbra::trainer
