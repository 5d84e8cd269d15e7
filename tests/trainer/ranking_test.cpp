#include "trainer/evaluation/ranking.h"

#include <cmath>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/measures_testing.h"

namespace penumbra::trainer {
namespace {

TEST(RiskCoverage, EndsAtTheErrorRateAndAnswersEqualFacesTogether) {
  const Ranking uncertainty(std::vector<double>{0.1, 0.5, 0.5, 0.9});
  const std::vector<std::uint8_t> wrong{0, 1, 0, 1};
  const auto curve = risk_coverage(uncertainty, wrong, std::vector<double>(4, 1));
  ASSERT_EQ(curve.size(), 3U);
  EXPECT_DOUBLE_EQ(curve[0].coverage, 0.25);
  EXPECT_DOUBLE_EQ(curve[0].risk, 0);
  EXPECT_DOUBLE_EQ(curve[1].coverage, 0.75);
  EXPECT_DOUBLE_EQ(curve[1].risk, 1.0 / 3);
  EXPECT_DOUBLE_EQ(curve[2].coverage, 1);
  EXPECT_DOUBLE_EQ(curve[2].risk, 0.5);
}

/// Numbers with many ties.
std::vector<double> tied(std::size_t count, std::uint64_t seed) {
  std::vector<double> out;
  for (std::size_t i = 0; i < count; ++i) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    out.push_back(static_cast<double>((seed >> 33) % 17));
  }
  return out;
}

TEST(Auroc, EqualsTheShareOfPairsInTheRightOrder) {
  const std::vector<double> score = tied(200, 1);
  const std::vector<double> coin = tied(200, 2);
  std::vector<std::uint8_t> positive;
  for (std::size_t i = 0; i < score.size(); ++i) positive.push_back(coin[i] + 0.3 * score[i] > 12);
  const double share = slow_auroc(score, {positive.begin(), positive.end()});
  ASSERT_GT(share, 0.55);
  EXPECT_NEAR(auroc(score, positive), share, 1e-12);
}

TEST(Auroc, IsHalfForConstantScoresAndUndefinedForOneClass) {
  const std::vector<double> score{1, 1, 1};
  EXPECT_DOUBLE_EQ(auroc(score, std::vector<std::uint8_t>{0, 1, 0}), 0.5);
  EXPECT_TRUE(std::isnan(auroc(score, std::vector<std::uint8_t>{1, 1, 1})));
  EXPECT_TRUE(std::isnan(auroc(score, std::vector<std::uint8_t>{0, 0, 0})));
  EXPECT_THROW(auroc(score, std::vector<std::uint8_t>{0}), std::invalid_argument);
}

/// Rank = 1 + how many are smaller + half of the other equals.
double slow_spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const auto rank = [](const std::vector<double>& v) {
    std::vector<double> out;
    for (const double x : v) {
      double smaller = 0, equal = 0;
      for (const double y : v) {
        smaller += y < x;
        equal += y == x;
      }
      out.push_back(1 + smaller + (equal - 1) / 2);
    }
    return out;
  };
  const auto covariance = [](const std::vector<double>& x, const std::vector<double>& y) {
    const auto n = static_cast<double>(x.size());
    const double mx = std::accumulate(x.begin(), x.end(), 0.0) / n, my = std::accumulate(y.begin(), y.end(), 0.0) / n;
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - mx) * (y[i] - my);
    return sum / n;
  };
  const std::vector<double> ra = rank(a), rb = rank(b);
  return covariance(ra, rb) / std::sqrt(covariance(ra, ra) * covariance(rb, rb));
}

TEST(Spearman, EqualsTheCorrelationOfRanksThatAreCountedOneByOne) {
  const std::vector<double> a = tied(300, 3), noise = tied(300, 4);
  std::vector<double> b(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) b[i] = std::floor((a[i] + noise[i]) / 3);
  EXPECT_GT(slow_spearman(a, b), 0.4);
  EXPECT_NEAR(spearman(a, b), slow_spearman(a, b), 1e-12);
}

TEST(Spearman, SeesOnlyTheOrder) {
  const std::vector<double> a{0.1, 3, 2, 10}, grown{std::exp(0.1), std::exp(3), std::exp(2), std::exp(10)};
  EXPECT_DOUBLE_EQ(spearman(a, grown), 1);
  EXPECT_DOUBLE_EQ(spearman(a, std::vector<double>{-0.1, -3, -2, -10}), -1);
  EXPECT_TRUE(std::isnan(spearman(a, std::vector<double>{1, 1, 1, 1})));
  EXPECT_THROW(spearman(a, std::vector<double>{1}), std::invalid_argument);
}

}  // namespace
}  // namespace penumbra::trainer
