#include "data/render/recipe.h"

#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "tests/data/statistics.h"

namespace penumbra::data {
namespace {

using testing::kKolmogorovSmirnovLimit;
using testing::kolmogorov_smirnov;
using testing::moments;

constexpr int kCount = 20000;
constexpr int kSize = 48;

std::vector<Recipe> strong(const AmbiguousOptions& options, int channels = 3, int size = kSize, int count = kCount) {
  std::vector<Recipe> recipes;
  for (int i = 0; i < count; ++i) recipes.push_back(draw_ambiguous(options, 1, 2, i, i + 1, size, size, channels));
  return recipes;
}

std::vector<Recipe> weak(const WeakOptions& options = {}) {
  std::vector<Recipe> recipes;
  for (int i = 0; i < kCount; ++i) recipes.push_back(draw_weak(options, 1, 2, i));
  return recipes;
}

template <typename Value>
std::vector<double> values(const std::vector<Recipe>& recipes, const Value& value) {
  std::vector<double> out;
  for (const Recipe& recipe : recipes) out.push_back(static_cast<double>(value(recipe)));
  return out;
}

double distance_from_uniform(const std::vector<double>& sample, double low, double high) {
  for (const double x : sample) EXPECT_TRUE(x >= low - 1e-5 && x <= high + 1e-5) << x;
  return kolmogorov_smirnov(sample, [&](double x) { return std::clamp((x - low) / (high - low), 0.0, 1.0); });
}

void expect_frequency(const std::vector<double>& happened, double probability) {
  const double deviation = std::sqrt(probability * (1 - probability) / static_cast<double>(happened.size()));
  EXPECT_NEAR(moments(happened).mean, probability, 4 * deviation);
}

double determinant(const Recipe& r) {
  const auto& m = r.theta.m;
  return static_cast<double>(m[0]) * m[4] - static_cast<double>(m[1]) * m[3];
}
bool flipped(const Recipe& r) { return determinant(r) < 0; }
double scale_of(const Recipe& r) { return 1 / std::sqrt(std::abs(determinant(r))); }
double degrees_of(const Recipe& r) { return std::atan2(-r.theta.m[3], r.theta.m[4]) * 180 / std::numbers::pi; }
/// Where the centre of the content is seen, as a share of the side.
double shift_x(const Recipe& r) { return inverse(r.theta).m[2] / 2; }
double shift_y(const Recipe& r) { return inverse(r.theta).m[5] / 2; }
double area(const Rectangle& r) { return static_cast<double>(r.x1 - r.x0) * (r.y1 - r.y0); }

TEST(Recipe, OfAWeakViewIsUniformInItsRanges) {
  const auto recipes = weak();
  expect_frequency(values(recipes, flipped), 0.5);
  EXPECT_LT(distance_from_uniform(values(recipes, shift_x), -0.06, 0.06), kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, shift_y), -0.06, 0.06), kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, [](auto& r) { return r.brightness; }), -0.1, 0.1),
            kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, [](auto& r) { return r.contrast; }), 0.9, 1.1),
            kKolmogorovSmirnovLimit);
  for (const Recipe& r : recipes) {
    EXPECT_EQ(r.partner, r.source);
    EXPECT_EQ(r.lambda, 1);
    EXPECT_EQ(r.mix, Mix::none);
    EXPECT_TRUE(r.erase.empty());
    EXPECT_NEAR(scale_of(r), 1, 1e-6);
    EXPECT_NEAR(degrees_of(r), 0, 1e-6);
    EXPECT_EQ(r.saturation, 1);
    EXPECT_FALSE(r.grey);
  }
}

TEST(Recipe, OfAnAmbiguousViewIsUniformInItsRanges) {
  const auto recipes = strong({});
  expect_frequency(values(recipes, flipped), 0.5);
  EXPECT_LT(distance_from_uniform(values(recipes, degrees_of), -10, 10), kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, scale_of), 0.9, 1.1), kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, shift_x), -0.05, 0.05), kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, shift_y), -0.05, 0.05), kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, [](auto& r) { return r.brightness; }), -0.3, 0.3),
            kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, [](auto& r) { return r.contrast; }), 0.7, 1.3),
            kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, [](auto& r) { return r.saturation; }), 0.7, 1.3),
            kKolmogorovSmirnovLimit);
  expect_frequency(values(recipes, [](auto& r) { return r.grey; }), 0.1);
}

TEST(Recipe, OfAnotherStrengthIsUniformInThatMuchWiderRanges) {
  AmbiguousOptions options;
  options.strength = 2.5f;
  const auto recipes = strong(options);
  expect_frequency(values(recipes, flipped), 0.5);
  EXPECT_LT(distance_from_uniform(values(recipes, degrees_of), -25, 25), kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, scale_of), 0.75, 1.25), kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, shift_x), -0.125, 0.125), kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, shift_y), -0.125, 0.125), kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, [](auto& r) { return r.brightness; }), -0.75, 0.75),
            kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, [](auto& r) { return r.contrast; }), 0.25, 1.75),
            kKolmogorovSmirnovLimit);
  EXPECT_LT(distance_from_uniform(values(recipes, [](auto& r) { return r.saturation; }), 0.25, 1.75),
            kKolmogorovSmirnovLimit);
  expect_frequency(values(recipes, [](auto& r) { return r.grey; }), 0.1);
}

/// Which operations a view went through: rotation, scale, shift, brightness, contrast, erasing, colour.
std::vector<bool> operations_of(const Recipe& r) {
  return {std::abs(degrees_of(r)) > 1e-5,
          std::abs(scale_of(r) - 1) > 1e-6,
          std::abs(shift_x(r)) + std::abs(shift_y(r)) > 1e-6,
          r.brightness != 0,
          r.contrast != 1,
          !r.erase.empty(),
          r.saturation != 1 || r.grey};
}

TEST(Recipe, OfSomeOperationsGoesThroughSoManyDrawnUniformly) {
  AmbiguousOptions all, some;
  all.erase = some.erase = 1;
  for (const auto& [channels, kinds] : {std::pair{1, 6}, {3, 7}}) {
    const auto everything = strong(all, channels);
    for (const int operations : {1, 2, 6, 7}) {
      some.operations = operations;
      const auto recipes = strong(some, channels);
      std::vector<std::vector<double>> gone_through(7);
      for (std::size_t i = 0; i < recipes.size(); ++i) {
        const auto used = operations_of(recipes[i]);
        for (std::size_t k = 0; k < used.size(); ++k) gone_through[k].push_back(used[k] ? 1 : 0);
        ASSERT_LE(std::count(used.begin(), used.end(), true), operations);
        ASSERT_EQ(flipped(recipes[i]), flipped(everything[i]));
        ASSERT_EQ(recipes[i].brightness, used[3] ? everything[i].brightness : 0);
        ASSERT_EQ(recipes[i].erase, used[5] ? everything[i].erase : Rectangle());
      }
      const double share = std::min(1.0, operations / static_cast<double>(kinds));
      for (std::size_t k = 0; k < static_cast<std::size_t>(kinds); ++k)
        EXPECT_NEAR(moments(gone_through[k]).mean, share, 4 * std::sqrt(share * (1 - share) / kCount) + 1e-3) << k;
    }
  }
}

TEST(Recipe, OfAGreyImageHasNoColour) {
  for (const Recipe& r : strong({}, 1)) {
    EXPECT_EQ(r.saturation, 1);
    EXPECT_FALSE(r.grey);
  }
}

// max(b, 1 - b) of a uniform b is uniform on [1/2, 1).
TEST(Recipe, OfMixupHasTheLargerShareOfABeta) {
  AmbiguousOptions options;
  const auto share = [](const Recipe& r) { return r.lambda; };
  const auto flat = values(strong(options), share);
  EXPECT_LT(distance_from_uniform(flat, 0.5, 1), kKolmogorovSmirnovLimit);
  EXPECT_LE(*std::max_element(flat.begin(), flat.end()), 1 - 1e-4 + 1e-8);
  options.alpha = 2;  // F(x) - F(1 - x) of Beta(2, 2)
  EXPECT_LT(kolmogorov_smirnov(values(strong(options), share), [](double x) { return 2 * x * x * (3 - 2 * x) - 1; }),
            kKolmogorovSmirnovLimit);
}

TEST(Recipe, OfMixupKeepsATraceOfThePartnerEvenWhenBetaIsOne) {
  AmbiguousOptions options;
  options.alpha = 1e-3f;
  for (const Recipe& r : strong(options, 1, kSize, 2000)) {
    EXPECT_GE(r.lambda, 0.5f);
    EXPECT_LE(r.lambda, 0.9999f);
  }
}

TEST(Recipe, OfCutmixHasTheExactAreaOfItsBox) {
  AmbiguousOptions options;
  options.mix = Mix::cutmix;
  for (const float alpha : {1.0f, 1e-3f}) {
    options.alpha = alpha;
    for (const int size : {2, 3, 16, 48, 100, 101, 224}) {
      for (const Recipe& r : strong(options, 1, size, 2000)) {
        ASSERT_TRUE(r.box.x0 >= 0 && r.box.y0 >= 0 && r.box.x1 <= size && r.box.y1 <= size && !r.box.empty());
        ASSERT_EQ(r.lambda, static_cast<float>(1 - area(r.box) / (static_cast<double>(size) * size)));
        ASSERT_TRUE(r.lambda >= 0.5f && r.lambda <= 0.9999f) << r.lambda << " at side " << size;
      }
    }
  }
}

// A box about a uniform centre covers the middle of the image most, and all four corners alike.
TEST(Recipe, OfCutmixPutsItsBoxesEverywhere) {
  AmbiguousOptions options;
  options.mix = Mix::cutmix;
  const auto recipes = strong(options, 1);
  const auto covered = [&](int x, int y) {
    return moments(
               values(recipes,
                      [&](const Recipe& r) { return x >= r.box.x0 && x < r.box.x1 && y >= r.box.y0 && y < r.box.y1; }))
        .mean;
  };
  const double corner = covered(0, 0), tolerance = 4 * std::sqrt(corner / kCount) + 0.02;
  for (const auto& [x, y] : {std::pair{kSize - 1, 0}, {0, kSize - 1}, {kSize - 1, kSize - 1}}) {
    EXPECT_NEAR(covered(x, y), corner, tolerance);
  }
  EXPECT_GT(corner, 0.03);
  EXPECT_GT(covered(kSize / 2, kSize / 2), 2 * corner);
}

TEST(Recipe, WithoutMixKeepsGeometryAndColoursOfTheOthers) {
  AmbiguousOptions mixup, cutmix, none;
  cutmix.mix = Mix::cutmix;
  none.mix = Mix::none;
  const auto a = strong(mixup, 3, kSize, 100), b = strong(cutmix, 3, kSize, 100), c = strong(none, 3, kSize, 100);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].theta.m, b[i].theta.m);
    EXPECT_EQ(a[i].theta.m, c[i].theta.m);
    EXPECT_EQ(a[i].contrast, c[i].contrast);
    EXPECT_EQ(a[i].erase.x0, c[i].erase.x0);
    EXPECT_EQ(c[i].lambda, 1);
    EXPECT_EQ(c[i].partner, a[i].partner);
  }
}

TEST(Recipe, StaysMixedWithItsProbabilityAndIsThenTheSame) {
  for (const Mix mix : {Mix::mixup, Mix::cutmix}) {
    AmbiguousOptions options;
    options.mix = mix;
    const auto always = strong(options);
    options.mix_probability = 0.7f;
    const auto often = strong(options);
    options.mix_probability = 0.3f;
    const auto seldom = strong(options);
    expect_frequency(values(often, [](auto& r) { return r.mix != Mix::none; }), 0.7);
    for (std::size_t i = 0; i < always.size(); ++i) {
      Recipe alone = always[i];
      alone.mix = Mix::none;
      alone.lambda = 1;
      alone.box = {};
      ASSERT_EQ(often[i], often[i].mix == mix ? always[i] : alone);
      ASSERT_EQ(seldom[i], seldom[i].mix == mix ? often[i] : alone);
    }
    options.mix_probability = 0;
    for (const Recipe& r : strong(options)) ASSERT_EQ(r.lambda, 1);
  }
}

TEST(Recipe, OfASampleThatSitsOutIsUnmixed) {
  const Recipe r = draw_ambiguous({}, 1, 2, 5, 5, kSize, kSize, 1);
  EXPECT_EQ(r.mix, Mix::none);
  EXPECT_EQ(r.lambda, 1);
  EXPECT_NE(r.theta.m, Affine{}.m);
}

TEST(Recipe, ErasesOneRectangleOfItsSizeHalfOfTheTime) {
  for (const int size : {16, 48, 224}) {
    std::vector<double> erased, shares, log_aspects;
    for (const Recipe& r : strong({}, 1, size, 8000)) {
      erased.push_back(!r.erase.empty());
      if (r.erase.empty()) continue;
      const double aspect = static_cast<double>(r.erase.y1 - r.erase.y0) / (r.erase.x1 - r.erase.x0);
      log_aspects.push_back(std::log(aspect));
      shares.push_back(area(r.erase) / (static_cast<double>(size) * size));
      ASSERT_TRUE(r.erase.x0 >= 0 && r.erase.y0 >= 0 && r.erase.x1 <= size && r.erase.y1 <= size);
      ASSERT_TRUE(aspect >= 0.3 && aspect <= 3.3) << aspect;
      ASSERT_TRUE(shares.back() >= 0.02 && shares.back() <= 0.25) << shares.back();
    }
    expect_frequency(erased, 0.5);
    // Uniform between log 0.3 and log 3.3, but for the rounding to pixels.
    EXPECT_NEAR(moments(log_aspects).mean, std::log(0.3 * 3.3) / 2, 0.05) << "side " << size;
    EXPECT_NEAR(moments(log_aspects).variance, std::pow(std::log(3.3 / 0.3), 2) / 12, 0.05) << "side " << size;
    EXPECT_NEAR(moments(shares).mean, 0.135, 0.01) << "side " << size;
  }
}

TEST(Recipe, IsAFunctionOfItsKeyAlone) {
  const auto theta = [](std::uint64_t seed, std::uint32_t epoch, std::int64_t source, std::uint32_t occurrence) {
    return draw_ambiguous({}, seed, epoch, source, source + 1, kSize, kSize, 1, occurrence).theta.m;
  };
  EXPECT_EQ(theta(1, 2, 3, 0), theta(1, 2, 3, 0));
  EXPECT_NE(theta(2, 2, 3, 0), theta(1, 2, 3, 0));
  EXPECT_NE(theta(1, 3, 3, 0), theta(1, 2, 3, 0));
  EXPECT_NE(theta(1, 2, 4, 0), theta(1, 2, 3, 0));
  EXPECT_NE(theta(1, 2, 3, 1), theta(1, 2, 3, 0));
  EXPECT_NE(draw_weak({}, 1, 2, 3).theta.m, theta(1, 2, 3, 0));
}

}  // namespace
}  // namespace penumbra::data
