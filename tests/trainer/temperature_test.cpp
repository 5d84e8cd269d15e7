#include "trainer/evaluation/temperature.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace penumbra::trainer {
namespace {

double loss(const std::vector<float>& logits, const std::vector<std::int32_t>& labels, std::size_t classes, double t) {
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    double mass = 0;
    for (std::size_t c = 0; c < classes; ++c) mass += std::exp(logits[i * classes + c] / t);
    sum += std::log(mass) - logits[i * classes + static_cast<std::size_t>(labels[i])] / t;
  }
  return sum;
}

TEST(FitTemperature, TwoClassesOfOneMarginHaveAClosedForm) {
  // Margin 6, right in 3 of 4: the best posterior is 3/4, so 6 / T = ln 3.
  const std::vector<float> logits{6, 0, 6, 0, 0, 6, 6, 0};
  EXPECT_NEAR(fit_temperature(logits, std::vector<std::int32_t>{0, 0, 1, 1}, 2), 6 / std::log(3.0), 1e-8);
}

TEST(FitTemperature, AgreesWithAFineScanOfTheLoss) {
  std::vector<float> logits;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 300; ++i) {
    for (int c = 0; c < 5; ++c) logits.push_back(static_cast<float>(4 * std::sin(1.7 * i + 2.3 * c)));
    std::int32_t label = 0;  // mostly the arg max, else whatever
    for (std::int32_t c = 1; c < 5; ++c) {
      if (logits[logits.size() - 5 + c] > logits[logits.size() - 5 + label]) label = c;
    }
    labels.push_back(i % 3 == 0 ? i % 5 : label);
  }
  double best = 0, least = std::numeric_limits<double>::infinity();
  for (double t = 0.5; t < 20; t *= 1.0005) {
    if (const double now = loss(logits, labels, 5, t); now < least) {
      least = now;
      best = t;
    }
  }
  ASSERT_GT(best, 0.6);
  ASSERT_LT(best, 19);
  const double fitted = fit_temperature(logits, labels, 5);
  EXPECT_NEAR(fitted / best, 1, 1e-3);
  EXPECT_LE(loss(logits, labels, 5, fitted), least + 1e-9);
}

TEST(FitTemperature, ScalingTheLogitsScalesTheTemperature) {
  std::vector<float> logits{3, 0, 1, 0, 2, 1, 1, 1, 4, 2, 0, 1};
  const std::vector<std::int32_t> labels{0, 1, 0, 0};
  const double once = fit_temperature(logits, labels, 3);
  for (float& z : logits) z *= 8;
  EXPECT_NEAR(fit_temperature(logits, labels, 3) / once, 8, 1e-6);
}

TEST(FitTemperature, AddingAConstantToARowOfLogPosteriorsChangesNothing) {
  const std::vector<std::int32_t> labels{0, 1, 0};
  const double plain = fit_temperature(std::vector<float>{2, 0, 2, 0, 2, 0}, labels, 2);
  EXPECT_NEAR(fit_temperature(std::vector<float>{-98, -100, 1002, 1000, 2, 0}, labels, 2), plain, 1e-8);
}

TEST(FitTemperature, TakesAnEndOfTheIntervalWhereThatIsBest) {
  const std::vector<float> logits{5, 0, 0, 5};
  EXPECT_EQ(fit_temperature(logits, std::vector<std::int32_t>{0, 1}, 2), 0.01);  // all right
  EXPECT_EQ(fit_temperature(logits, std::vector<std::int32_t>{1, 0}, 2), 100);   // all wrong
}

TEST(FitTemperature, SurvivesHugeLogits) {
  const std::vector<float> logits{3000, 0, 3000, 0, 3000, 0, -69, 0};
  const double t = fit_temperature(logits, std::vector<std::int32_t>{0, 0, 1, 1}, 2);
  EXPECT_TRUE(std::isfinite(t));
  EXPECT_EQ(t, 100);  // even a margin of 30 is too sure for one miss in three
}

TEST(FitTemperature, IsOneWhereNoTemperatureChangesAnything) {
  EXPECT_EQ(fit_temperature(std::vector<float>{1, 1, 1, 1}, std::vector<std::int32_t>{0, 1}, 2), 1);
}

TEST(FitTemperature, RefusesInputThatCannotBeFitted) {
  const std::vector<float> logits{1, 0};
  EXPECT_THROW(fit_temperature(logits, std::vector<std::int32_t>{}, 2), std::invalid_argument);
  EXPECT_THROW(fit_temperature(logits, std::vector<std::int32_t>{0, 0}, 2), std::invalid_argument);
  EXPECT_THROW(fit_temperature(logits, std::vector<std::int32_t>{2}, 2), std::invalid_argument);
  EXPECT_THROW(fit_temperature(std::vector<float>{NAN, 0}, std::vector<std::int32_t>{0}, 2), std::invalid_argument);
}

}  // namespace
}  // namespace penumbra::trainer
