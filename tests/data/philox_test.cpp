#include "data/plan/philox.h"

#include <cmath>
#include <numbers>
#include <set>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "data/plan/shuffle.h"
#include "tests/data/statistics.h"

namespace penumbra::data {
namespace {

using testing::chi_square_deviate;
using testing::kDeviateLimit;
using testing::kKolmogorovSmirnovLimit;
using testing::kolmogorov_smirnov;
using testing::moments;

using Block = std::array<std::uint32_t, 4>;

template <typename Draw>
std::vector<double> sample_of(std::uint32_t stream, const Draw& draw, int count = 40000) {
  Draws draws(7, Purpose::probe, 0, stream);
  std::vector<double> sample;
  for (int i = 0; i < count; ++i) sample.push_back(static_cast<double>(draw(draws)));
  return sample;
}

// Random123-1.14.0, tests/kat_vectors, lines "philox4x32 10".
TEST(Philox, GivesThePublishedVectors) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32({ones, ones, ones, ones}, {ones, ones}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Draws, AreTheBlocksOfTheirCounters) {
  Draws draws(0x123456789abcdef0, Purpose::order, 5, 6, 7);
  const auto key = stream_key(0x123456789abcdef0, Purpose::order);
  for (std::uint32_t d = 0; d < 3; ++d) {
    for (const std::uint32_t word : philox4x32({d, 5, 6, 7}, key)) EXPECT_EQ(draws.bits(), word);
  }
}

TEST(Draws, NeighbouringStreamsShareNothing) {
  std::set<std::uint32_t> seen;
  std::size_t drawn = 0;
  const auto take = [&](Draws draws) {
    for (int i = 0; i < 8; ++i, ++drawn) seen.insert(draws.bits());
  };
  for (std::uint64_t seed : {0ull, 1ull, 2ull, 3ull, 1ull << 32, 2ull << 32, 3ull << 32}) {
    for (std::uint32_t purpose = 1; purpose <= 7; ++purpose) {
      take(Draws(seed, static_cast<Purpose>(purpose), 0, 0));
      take(Draws(seed, static_cast<Purpose>(purpose), 1, 0));
      take(Draws(seed, static_cast<Purpose>(purpose), 0, 1));
      take(Draws(seed, static_cast<Purpose>(purpose), 0, 0, 1));
    }
  }
  EXPECT_EQ(seen.size(), drawn);
}

TEST(Draws, UniformIsUniform) {
  const auto sample = sample_of(1, [](Draws& d) { return d.uniform(); });
  EXPECT_LT(kolmogorov_smirnov(sample, [](double x) { return x; }), kKolmogorovSmirnovLimit);
  const auto ranged = sample_of(2, [](Draws& d) { return d.uniform(-3, 5); });
  EXPECT_LT(kolmogorov_smirnov(ranged, [](double x) { return (x + 3) / 8; }), kKolmogorovSmirnovLimit);
  EXPECT_GE(*std::min_element(ranged.begin(), ranged.end()), -3);
  EXPECT_LT(*std::max_element(ranged.begin(), ranged.end()), 5);
}

TEST(Draws, BelowHitsEveryNumberEquallyOften) {
  std::vector<double> counts(7);
  for (const double x : sample_of(3, [](Draws& d) { return d.below(7); })) ++counts.at(static_cast<std::size_t>(x));
  EXPECT_LT(chi_square_deviate(counts), kDeviateLimit);
}

// Without rejection the lower third of [0, 3 * 2^62) would be hit half of the time.
TEST(Draws, BelowHasNoModuloBias) {
  std::vector<double> thirds(3);
  for (const double x : sample_of(4, [](Draws& d) { return d.below(std::uint64_t{3} << 62) >> 62; })) {
    ++thirds.at(static_cast<std::size_t>(x));
  }
  EXPECT_LT(chi_square_deviate(thirds), kDeviateLimit);
  EXPECT_THROW(Draws(1, Purpose::probe, 0, 0).below(0), std::invalid_argument);
}

TEST(Draws, ChanceHappensAsOftenAsItSays) {
  const auto happened = sample_of(5, [](Draws& d) { return d.chance(0.3); });
  EXPECT_NEAR(moments(happened).mean, 0.3, 4 * std::sqrt(0.3 * 0.7 / 40000));
  for (const double x : sample_of(
           6, [](Draws& d) { return d.chance(0); }, 1000))
    EXPECT_EQ(x, 0);
  for (const double x : sample_of(
           7, [](Draws& d) { return d.chance(1); }, 1000))
    EXPECT_EQ(x, 1);
}

TEST(Draws, NormalIsNormal) {
  const auto sample = sample_of(8, [](Draws& d) { return d.normal(); });
  EXPECT_LT(kolmogorov_smirnov(sample, [](double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }),
            kKolmogorovSmirnovLimit);
}

struct GammaCase {
  double shape;
  double (*cdf)(double);
};

TEST(Draws, GammaHasItsClosedForms) {
  const GammaCase cases[] = {
      {0.5, [](double x) { return std::erf(std::sqrt(x)); }},
      {1, [](double x) { return -std::expm1(-x); }},
      {1.5, [](double x) { return std::erf(std::sqrt(x)) - 2 * std::sqrt(x / std::numbers::pi) * std::exp(-x); }},
      {2, [](double x) { return 1 - std::exp(-x) * (1 + x); }},
      {4, [](double x) { return 1 - std::exp(-x) * (1 + x + x * x / 2 + x * x * x / 6); }}};
  std::uint32_t stream = 20;
  for (const auto& [shape, cdf] : cases) {
    const auto sample = sample_of(stream++, [s = shape](Draws& d) { return d.gamma(s); });
    EXPECT_LT(kolmogorov_smirnov(sample, cdf), kKolmogorovSmirnovLimit) << "shape " << shape;
  }
}

TEST(Draws, GammaHasMeanAndVarianceOfItsShape) {
  std::uint32_t stream = 30;
  for (const double shape : {0.2, 0.7, 1.0, 3.5, 40.0}) {
    const auto sample = sample_of(stream++, [&](Draws& d) { return d.gamma(shape); });
    const auto [mean, variance] = moments(sample);
    const double n = static_cast<double>(sample.size());
    EXPECT_NEAR(mean, shape, 4 * std::sqrt(shape / n)) << "shape " << shape;
    // Var(s^2) = (mu_4 - sigma^4) / n with mu_4 = 3 k^2 + 6 k.
    EXPECT_NEAR(variance, shape, 4 * std::sqrt((2 * shape * shape + 6 * shape) / n)) << "shape " << shape;
  }
  EXPECT_THROW(Draws(1, Purpose::probe, 0, 0).gamma(0), std::invalid_argument);
}

TEST(Draws, BetaHasItsClosedForms) {
  const auto one = sample_of(40, [](Draws& d) { return d.beta(1, 1); });
  EXPECT_LT(kolmogorov_smirnov(one, [](double x) { return x; }), kKolmogorovSmirnovLimit);
  const auto two = sample_of(41, [](Draws& d) { return d.beta(2, 2); });
  EXPECT_LT(kolmogorov_smirnov(two, [](double x) { return x * x * (3 - 2 * x); }), kKolmogorovSmirnovLimit);
  const auto half = sample_of(42, [](Draws& d) { return d.beta(0.5, 0.5); });
  EXPECT_LT(kolmogorov_smirnov(half, [](double x) { return 2 / std::numbers::pi * std::asin(std::sqrt(x)); }),
            kKolmogorovSmirnovLimit);
  const auto skew = sample_of(43, [](Draws& d) { return d.beta(1, 5); });
  EXPECT_LT(kolmogorov_smirnov(skew, [](double x) { return 1 - std::pow(1 - x, 5); }), kKolmogorovSmirnovLimit);
}

// Both gammas underflow there; their ratio must not.
TEST(Draws, BetaOfTinyShapesIsACoin) {
  const auto sample = sample_of(44, [](Draws& d) { return d.beta(1e-5, 1e-5); });
  double between = 0;
  for (const double x : sample) {
    ASSERT_TRUE(x >= 0 && x <= 1) << x;
    between += x > 0.01 && x < 0.99;
  }
  EXPECT_LT(between, 40);
  EXPECT_NEAR(moments(sample).mean, 0.5, 4 * 0.5 / std::sqrt(40000));
}

TEST(Shuffle, MakesEveryOrderEquallyOften) {
  std::vector<double> counts(24);
  for (std::uint32_t trial = 0; trial < 24000; ++trial) {
    std::vector<int> order{0, 1, 2, 3};
    Draws draws(3, Purpose::order, 0, trial);
    shuffle(std::span(order), draws);
    std::vector<int> rank{0, 1, 2, 3};
    std::size_t index = 0;
    while (rank != order) {
      std::next_permutation(rank.begin(), rank.end());
      ASSERT_LT(++index, 24u);
    }
    ++counts[index];
  }
  EXPECT_LT(chi_square_deviate(counts), kDeviateLimit);
}

}  // namespace
}  // namespace penumbra::data
