#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/error.h"
#include "data/plan/philox.h"
#include "data/render/render_cpu.h"
#include "tests/data/random_set.h"
#include "tests/data/statistics.h"
#include "tests/data/variant_testing.h"

namespace penumbra::data {
namespace {

using testing::make_variant;
using testing::random_set;

std::vector<std::uint8_t> bytes_of(const SampleSet& set, const Recipe& recipe, int view_size) {
  std::vector<std::uint8_t> out(static_cast<std::size_t>(view_size) * view_size * set.info.channels);
  render_bytes(stored_pair(set, recipe.source, recipe.partner), recipe, view_size, out);
  return out;
}

/// method.md, section 1, as slowly and plainly as it reads: the values before clamping and rounding, unerased.
class SlowReference {
 public:
  SlowReference(const SampleSet& set, const Recipe& recipe, int view_size)
      : set_(set), recipe_(recipe), view_(view_size) {}

  std::vector<double> values() const {
    std::vector<double> out;
    for (int y = 0; y < view_; ++y) {
      for (int x = 0; x < view_; ++x) {
        for (const double value : coloured(x, y)) out.push_back(value);
      }
    }
    return out;
  }

 private:
  double mixed(int x, int y, int c) const {
    const int side = set_.info.image_size;
    x = std::clamp(x, 0, side - 1);
    y = std::clamp(y, 0, side - 1);
    const auto index = static_cast<std::size_t>((y * side + x) * set_.info.channels + c);
    const double own = set_.image(recipe_.source)[index], other = set_.image(recipe_.partner)[index];
    const auto& box = recipe_.box;
    if (recipe_.mix == Mix::cutmix) return x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1 ? other : own;
    const double lambda = recipe_.mix == Mix::mixup ? static_cast<double>(recipe_.lambda) : 1;
    return lambda * own + (1 - lambda) * other;
  }

  double warped(int x, int y, int c) const {
    const auto& m = recipe_.theta.m;
    const double side = set_.info.image_size;
    const double u = (2.0 * x + 1) / view_ - 1, v = (2.0 * y + 1) / view_ - 1;
    const double sx = ((m[0] * u + m[1] * v + m[2] + 1) * side - 1) / 2;
    const double sy = ((m[3] * u + m[4] * v + m[5] + 1) * side - 1) / 2;
    const int left = static_cast<int>(std::floor(sx)), top = static_cast<int>(std::floor(sy));
    const double right_weight = sx - left, lower_weight = sy - top;
    return (1 - lower_weight) * ((1 - right_weight) * mixed(left, top, c) + right_weight * mixed(left + 1, top, c)) +
           lower_weight * ((1 - right_weight) * mixed(left, top + 1, c) + right_weight * mixed(left + 1, top + 1, c));
  }

  std::vector<double> coloured(int x, int y) const {
    std::vector<double> value;
    for (int c = 0; c < set_.info.channels; ++c) {
      value.push_back((warped(x, y, c) - 127.5) * recipe_.contrast + 127.5 + 255.0 * recipe_.brightness);
    }
    if (set_.info.channels == 1) return value;
    const double luma = 0.299 * value[0] + 0.587 * value[1] + 0.114 * value[2];
    for (double& v : value) v = recipe_.grey ? luma : luma + recipe_.saturation * (v - luma);
    return value;
  }

  const SampleSet& set_;
  const Recipe& recipe_;
  int view_;
};

bool in(const Rectangle& r, int x, int y) { return x >= r.x0 && x < r.x1 && y >= r.y0 && y < r.y1; }

/// Bytes must be the rounded reference, except within 1e-3 of a tie, where either neighbour will do.
void expect_rounded(const SampleSet& set, const Recipe& recipe, int view_size) {
  const auto bytes = bytes_of(set, recipe, view_size);
  const auto reference = SlowReference(set, recipe, view_size).values();
  const auto channels = static_cast<std::size_t>(set.info.channels);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto pixel = static_cast<int>(i / channels);
    if (in(recipe.erase, pixel % view_size, pixel / view_size)) continue;
    const double value = std::clamp(reference[i], 0.0, 255.0);
    const bool near_tie = std::abs(value - std::floor(value) - 0.5) < 1e-3;
    if (near_tie) {
      ASSERT_TRUE(bytes[i] == std::floor(value) || bytes[i] == std::ceil(value)) << "value " << i << ": " << value;
    } else {
      ASSERT_EQ(bytes[i], std::nearbyint(value)) << "value " << i << ": " << reference[i];
    }
  }
}

class RenderedRecipes : public ::testing::TestWithParam<int> {};

TEST_P(RenderedRecipes, EqualASlowReference) {
  const int channels = GetParam();
  const auto set = random_set(8, 48, channels);
  for (const Mix mix : {Mix::mixup, Mix::cutmix, Mix::none}) {
    AmbiguousOptions options;
    options.mix = mix;
    for (std::uint32_t epoch = 0; epoch < 40; ++epoch) {
      expect_rounded(set, draw_ambiguous(options, 1, epoch, 2, 5, 48, 48, channels), 48);
      expect_rounded(set, draw_weak({}, 1, epoch, 3), 48);
    }
  }
}

TEST_P(RenderedRecipes, EqualASlowReferenceAtOtherSizesAndFarOutside) {
  const int channels = GetParam();
  const auto set = random_set(4, 37, channels);
  AmbiguousOptions wild;
  wild.rotation_degrees = 180;
  wild.scale = 0.9f;
  wild.shift = 2;
  for (const int view_size : {1, 5, 37, 64, 112}) {
    for (std::uint32_t epoch = 0; epoch < 6; ++epoch) {
      expect_rounded(set, draw_ambiguous({}, 1, epoch, 2, 1, 37, view_size, channels), view_size);
      expect_rounded(set, draw_ambiguous(wild, 1, epoch, 2, 1, 37, view_size, channels), view_size);
    }
  }
}

TEST_P(RenderedRecipes, HaveTheSameBitsAsBytesNormalisedLater) {
  const int channels = GetParam();
  const auto set = random_set(4, 48, channels);
  const Normalisation norm{0.4713f, 0.2231f};
  for (std::uint32_t epoch = 0; epoch < 30; ++epoch) {
    const auto recipe = draw_ambiguous({}, 1, epoch, 1, 2, 48, 40, channels);
    const auto bytes = bytes_of(set, recipe, 40);
    std::vector<float> later(bytes.size()), at_once(bytes.size());
    normalise(bytes, norm, later);
    render_view(stored_pair(set, recipe.source, recipe.partner), recipe, 40, norm, at_once);
    ASSERT_EQ(later, at_once);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_NEAR(later[i], (bytes[i] / 255.0 - 0.4713) / 0.2231, 2e-6);
    }
  }
}

TEST_P(RenderedRecipes, OfIdentityFlipAndWholeShiftMovePixelsExactly) {
  const int channels = GetParam(), side = 48;
  const auto set = random_set(2, side, channels);
  const auto image = set.image(1);
  const auto at = [&](int x, int y, int c) {
    return image[static_cast<std::size_t>((std::clamp(y, 0, side - 1) * side + std::clamp(x, 0, side - 1)) * channels +
                                          c)];
  };
  struct Case {
    Geometry geometry;
    int mirror, dx, dy;  // view pixel x shows stored pixel mirror ? 47 - (x - dx) : x - dx
  };
  for (const auto& [geometry, mirror, dx, dy] :
       {Case{{}, 0, 0, 0}, Case{{.flip = true}, 1, 0, 0}, Case{{.shift_x = 5 / 48.0f, .shift_y = -7 / 48.0f}, 0, 5, -7},
        Case{{.flip = true, .shift_x = 3 / 48.0f}, 1, 3, 0}}) {
    Recipe recipe;
    recipe.source = recipe.partner = 1;
    recipe.theta = to_affine(geometry);
    const auto view = bytes_of(set, recipe, side);
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        for (int c = 0; c < channels; ++c) {
          ASSERT_EQ(view[static_cast<std::size_t>((y * side + x) * channels + c)],
                    at(mirror ? side - 1 - (x - dx) : x - dx, y - dy, c));
        }
      }
    }
  }
}

TEST_P(RenderedRecipes, AreErasedWithTheBytesOfTheirKey) {
  const int channels = GetParam(), side = 30;
  const auto set = random_set(8, side, channels);
  std::vector<double> counts(16);
  for (std::uint32_t epoch = 0; epoch < 40; ++epoch) {
    Recipe recipe = draw_ambiguous({}, 77, epoch, 6, 2, side, side, channels, 3);
    recipe.erase = {4, 5, 21, 23};
    Recipe bare = recipe;
    bare.erase = {};
    const auto view = bytes_of(set, recipe, side), unerased = bytes_of(set, bare, side);
    for (int i = 0; i < side * side * channels; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (!in(recipe.erase, i / channels % side, i / channels / side)) {
        ASSERT_EQ(view[at], unerased[at]);
        continue;
      }
      const auto block =
          philox4x32({static_cast<std::uint32_t>(i) / 16, epoch, 6, 3}, stream_key(77, Purpose::erase_bytes));
      ASSERT_EQ(view[at], block[at % 16 / 4] >> (at % 4 * 8) & 255);
      ++counts[view[at] / 16];
    }
  }
  EXPECT_LT(testing::chi_square_deviate(counts), testing::kDeviateLimit);
}

INSTANTIATE_TEST_SUITE_P(GreyAndRgb, RenderedRecipes, ::testing::Values(1, 3),
                         [](const auto& instance) { return instance.param == 1 ? "Grey" : "Rgb"; });

TEST(Render, RoundsHalfToEvenAndClamps) {
  auto set = random_set(1, 16, 1);
  std::vector<std::uint8_t> pixels(256);
  std::iota(pixels.begin(), pixels.end(), std::uint8_t{0});
  set.pixels = pixels;
  Recipe recipe;
  recipe.contrast = 2;  // 2 v - 127.5: every other half
  recipe.brightness = 0;
  const auto view = bytes_of(set, recipe, 16);
  for (int v = 0; v < 256; ++v) {
    const double value = std::clamp(2 * v - 127.5, 0.0, 255.0);
    const double below = std::floor(value);
    const double expected = value - below == 0.5 ? (std::fmod(below, 2) == 0 ? below : below + 1) : value;
    EXPECT_EQ(view[static_cast<std::size_t>(v)], expected) << v;
  }
}

/// The landmark law: a bright dot stored at p is seen at theta^-1(p).
TEST(Render, ShowsALandmarkWhereTheInverseMapSaysForRotationWithFlipAndShift) {
  const int side = 64;
  auto set = random_set(1, side, 1);
  for (const bool flip : {false, true}) {
    for (const float angle : {-0.4f, 0.17f, 0.9f}) {
      for (const auto& [px, py] : {std::pair{24.0, 40.0}, {37.3, 30.6}, {40.8, 22.1}}) {
        std::vector<std::uint8_t> pixels;
        for (int y = 0; y < side; ++y) {
          for (int x = 0; x < side; ++x) {
            const double r2 = (x - px) * (x - px) + (y - py) * (y - py);
            pixels.push_back(static_cast<std::uint8_t>(std::lround(250 * std::exp(-r2 / 8))));
          }
        }
        set.pixels = std::move(pixels);
        Recipe recipe;
        recipe.theta = to_affine({flip, angle, 1.1f, 0.05f, -0.08f});
        const auto view = bytes_of(set, recipe, side);
        double mass = 0, cx = 0, cy = 0;
        for (int y = 0; y < side; ++y) {
          for (int x = 0; x < side; ++x) {
            const double v = view[static_cast<std::size_t>(y * side + x)];
            mass += v, cx += v * x, cy += v * y;
          }
        }
        const auto back = inverse(recipe.theta).m;
        const double u = (2 * px + 1) / side - 1, v = (2 * py + 1) / side - 1;
        EXPECT_NEAR(cx / mass, ((back[0] * u + back[1] * v + back[2] + 1) * side - 1) / 2, 0.1);
        EXPECT_NEAR(cy / mass, ((back[3] * u + back[4] * v + back[5] + 1) * side - 1) / 2, 0.1);
      }
    }
  }
}

TEST(Render, RefusesRecipesThatDoNotFit) {
  const auto set = random_set(3, 8, 1);
  std::vector<std::uint8_t> out(64);
  const auto refused = [&](auto change) {
    Recipe recipe;
    change(recipe);
    EXPECT_THROW(render_bytes(stored_pair(set, recipe.source, recipe.partner), recipe, 8, out), DataError);
  };
  refused([](Recipe& r) { r.source = 3; });
  refused([](Recipe& r) { r.partner = -1; });
  refused([](Recipe& r) { r.box = {0, 0, 9, 4}; });
  refused([](Recipe& r) { r.erase = {-1, 0, 3, 4}; });
  refused([](Recipe& r) { r.theta.m[2] = 1e12f; });
  refused([](Recipe& r) { r.theta.m[0] = std::numeric_limits<float>::quiet_NaN(); });
  refused([](Recipe& r) { r.mix = static_cast<Mix>(9); });
  EXPECT_THROW(render_bytes(stored_pair(set, 0, 0), {}, 0, out), DataError);
  EXPECT_THROW(render_bytes(stored_pair(set, 0, 0), {}, 7, out), std::invalid_argument);
  std::vector<float> view(63);
  EXPECT_THROW(render_view(stored_pair(set, 0, 0), {}, 8, {}, view), std::invalid_argument);
  EXPECT_THROW(normalise(out, {}, view), std::invalid_argument);
}

TEST(Variant, HasTheSameBytesWhateverTheNumberOfThreads) {
  const auto set = random_set(301, 12, 3);
  const auto one = make_variant(set, {}, 5, 2, 0, 1), three = make_variant(set, {}, 5, 2, 0, 3);
  EXPECT_EQ(one.pixels, three.pixels);
  ASSERT_EQ(one.recipes.size(), 301u);
  EXPECT_EQ(one.recipes, three.recipes);
}

TEST(Variant, RendersAnyRunOfRows) {
  const auto set = random_set(301, 12, 3);
  const auto whole = make_variant(set, {}, 5, 2, 16);
  const std::size_t bytes = whole.image_bytes(3);
  std::vector<std::uint8_t> part(90 * bytes);
  render_variant(set, whole, 111, 90, part.data());
  EXPECT_TRUE(std::ranges::equal(part, whole.pixels.bytes().subspan(111 * bytes, 90 * bytes)));
}

TEST(Variant, MatchesAllButTheOneThatSitsOut) {
  const auto set = random_set(31, 12, 1);
  const auto variant = make_variant(set, {}, 5, 2);
  int alone = 0;
  for (std::size_t i = 0; i < 31; ++i) {
    const Recipe& recipe = variant.recipes[i];
    EXPECT_EQ(recipe.source, static_cast<std::int64_t>(i));
    EXPECT_EQ(variant.recipes[static_cast<std::size_t>(recipe.partner)].partner, recipe.source);
    if (recipe.partner != recipe.source) continue;
    ++alone;
    EXPECT_EQ(recipe.lambda, 1);
    EXPECT_EQ(recipe.mix, Mix::none);
  }
  EXPECT_EQ(alone, 1);
}

Images with_changed_byte(const Images& images, std::size_t place) {
  std::vector<std::uint8_t> bytes(images.bytes().begin(), images.bytes().end());
  bytes[place] ^= 1;
  return bytes;
}

TEST(Variant, IsVerifiedByRenderingAgain) {
  const auto set = random_set(30, 12, 1);
  const auto good = make_variant(set, {}, 5, 2, 16);
  EXPECT_NO_THROW(verify_variant(set, good));
  const auto message = [&](auto change) -> std::string {
    auto variant = good;
    change(variant);
    try {
      verify_variant(set, variant);
    } catch (const DataError& error) {
      return error.what();
    }
    return "accepted";
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(message([](auto& v) { v.pixels = with_changed_byte(v.pixels, 7 * 256 + 3); }),
              HasSubstr("row 7 is not what its recipe renders"));
  EXPECT_THAT(message([](auto& v) { v.recipes[9].contrast *= 1.5f; }), HasSubstr("row 9"));
  EXPECT_THAT(message([](auto& v) { v.label_fingerprint ^= 1; }), HasSubstr("other labels"));
  EXPECT_THAT(message([](auto& v) { v.epoch += 1; }), HasSubstr("matching"));
  EXPECT_THAT(message([](auto& v) { v.recipes.pop_back(); }), HasSubstr("29 recipes for 30 samples"));
  EXPECT_THAT(message([](auto& v) { v.view_size = 15; }), HasSubstr("bytes are not its images"));
}

}  // namespace
}  // namespace penumbra::data
