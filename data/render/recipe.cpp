#include "data/render/recipe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "data/plan/philox.h"

namespace penumbra::data {
namespace {

// A mixed view keeps a trace of its partner.
constexpr double kLargestLambda = 1 - 1e-4;
// Erased rectangles, as shares of the view's area and as height / width.
constexpr double kLeastErased = 0.02, kMostErased = 0.25;
constexpr double kLeastAspect = 0.3, kMostAspect = 3.3;
// Rounding to pixels may leave the ranges above; then we draw again.
constexpr int kEraseAttempts = 10;

float around(Draws& draws, double centre, double spread) {
  return static_cast<float>(draws.uniform(centre - spread, centre + spread));
}

Draws view_draws(Recipe& recipe, Purpose purpose, std::uint64_t seed, std::uint32_t epoch, std::int64_t source,
                 std::int64_t partner, std::uint32_t occurrence) {
  recipe.source = source;
  recipe.partner = partner;
  recipe.seed = seed;
  recipe.erase_epoch = epoch;
  recipe.occurrence = occurrence;
  return Draws(seed, purpose, epoch, static_cast<std::uint32_t>(source), occurrence);
}

int pixels(double length) { return static_cast<int>(std::lround(length)); }

Rectangle draw_erase(Draws& draws, int view_size) {
  const double area = static_cast<double>(view_size) * view_size;
  for (int attempt = 0; attempt < kEraseAttempts; ++attempt) {
    const double wanted = draws.uniform(kLeastErased, kMostErased) * area;
    const double wanted_aspect = std::exp(draws.uniform(std::log(kLeastAspect), std::log(kMostAspect)));
    const int width = pixels(std::sqrt(wanted / wanted_aspect));
    const int height = pixels(std::sqrt(wanted * wanted_aspect));
    const double share = static_cast<double>(width) * height / area;
    if (share < kLeastErased || share > kMostErased) continue;
    const double aspect = static_cast<double>(height) / width;
    if (aspect < kLeastAspect || aspect > kMostAspect) continue;
    const int x0 = static_cast<int>(draws.below(static_cast<unsigned>(view_size - width + 1)));
    const int y0 = static_cast<int>(draws.below(static_cast<unsigned>(view_size - height + 1)));
    return {x0, y0, x0 + width, y0 + height};
  }
  return {};
}

enum class Operation : std::uint8_t { rotation, scale, shift, brightness, contrast, erase, colour };

void leave_out(Operation operation, Recipe& recipe, Geometry& geometry) {
  switch (operation) {
    case Operation::rotation:
      geometry.angle = 0;
      return;
    case Operation::scale:
      geometry.scale = 1;
      return;
    case Operation::shift:
      geometry.shift_x = geometry.shift_y = 0;
      return;
    case Operation::brightness:
      recipe.brightness = 0;
      return;
    case Operation::contrast:
      recipe.contrast = 1;
      return;
    case Operation::erase:
      recipe.erase = {};
      return;
    case Operation::colour:
      recipe.saturation = 1;
      recipe.grey = false;
  }
}

/// A uniformly drawn `count` of the operations stay (Cubuk et al., "RandAugment", 2020, but none of them twice).
void keep_some(Recipe& recipe, Geometry& geometry, Draws& draws, int count, int channels) {
  std::array all = {Operation::rotation, Operation::scale, Operation::shift, Operation::brightness,
                    Operation::contrast, Operation::erase, Operation::colour};
  for (std::size_t left = channels == 3 ? all.size() : all.size() - 1; left > static_cast<std::size_t>(count); --left) {
    const std::size_t drawn = draws.below(left);
    leave_out(all[drawn], recipe, geometry);
    all[drawn] = all[left - 1];
  }
}

/// The side of a cutmix box of area (1 - lambda) S^2, before clipping. At least so long that what clipping leaves of it
/// (half of it or more) has an area of 1e-4 S^2.
int box_side(double lambda, int stored_size) {
  const int least = stored_size > 100 ? 2 * ((stored_size + 99) / 100) : 1;
  return std::max(least, static_cast<int>(stored_size * std::sqrt(1 - lambda)));
}

/// Yun et al., "CutMix", ICCV 2019: a box about a uniform centre, clipped to the image; lambda follows from what is
/// left.
void draw_box(Recipe& recipe, Draws& draws, double lambda, int stored_size) {
  const int side = box_side(lambda, stored_size);
  const int x0 = static_cast<int>(draws.below(static_cast<std::uint64_t>(stored_size))) - side / 2;
  const int y0 = static_cast<int>(draws.below(static_cast<std::uint64_t>(stored_size))) - side / 2;
  recipe.box = {std::max(x0, 0), std::max(y0, 0), std::min(x0 + side, stored_size), std::min(y0 + side, stored_size)};
  const double area =
      static_cast<double>(recipe.box.x1 - recipe.box.x0) * static_cast<double>(recipe.box.y1 - recipe.box.y0);
  recipe.lambda = static_cast<float>(1 - area / (static_cast<double>(stored_size) * stored_size));
}

void draw_mix(Recipe& recipe, Draws& draws, const AmbiguousOptions& options, int stored_size) {
  if (options.mix == Mix::none || recipe.partner == recipe.source) return;
  recipe.mix = options.mix;
  const double share = draws.beta(options.alpha, options.alpha);
  const double lambda = std::min(std::max(share, 1 - share), kLargestLambda);
  if (options.mix == Mix::cutmix) {
    draw_box(recipe, draws, lambda, stored_size);
  } else {
    recipe.lambda = static_cast<float>(lambda);
  }
  if (draws.chance(options.mix_probability)) return;
  recipe.mix = Mix::none;
  recipe.lambda = 1;
  recipe.box = {};
}

}  // namespace

Recipe draw_weak(const WeakOptions& options, std::uint64_t seed, std::uint32_t epoch, std::int64_t source,
                 std::uint32_t occurrence) {
  Recipe recipe;
  Draws draws = view_draws(recipe, Purpose::weak_view, seed, epoch, source, source, occurrence);
  Geometry geometry;
  geometry.flip = draws.chance(options.flip);
  geometry.shift_x = around(draws, 0, options.shift);
  geometry.shift_y = around(draws, 0, options.shift);
  recipe.theta = to_affine(geometry);
  recipe.brightness = around(draws, 0, options.brightness);
  recipe.contrast = around(draws, 1, options.contrast);
  return recipe;
}

// The mix is drawn last, and whether it is kept after it: the geometry and the colours of a view are then the same for
// every kind of mix, and what is mixed at one probability is mixed in the same way at every higher one.
Recipe draw_ambiguous(const AmbiguousOptions& options, std::uint64_t seed, std::uint32_t epoch, std::int64_t source,
                      std::int64_t partner, int stored_size, int view_size, int channels, std::uint32_t occurrence) {
  Recipe recipe;
  Draws draws = view_draws(recipe, Purpose::ambiguous_view, seed, epoch, source, partner, occurrence);
  const float strength = options.strength;
  Geometry geometry;
  geometry.flip = draws.chance(options.flip);
  geometry.angle = around(draws, 0, strength * options.rotation_degrees * std::numbers::pi / 180);
  geometry.scale = around(draws, 1, strength * options.scale);
  geometry.shift_x = around(draws, 0, strength * options.shift);
  geometry.shift_y = around(draws, 0, strength * options.shift);
  recipe.brightness = around(draws, 0, strength * options.brightness);
  recipe.contrast = around(draws, 1, strength * options.contrast);
  if (channels == 3) {
    recipe.saturation = around(draws, 1, strength * options.saturation);
    recipe.grey = draws.chance(options.grey);
  }
  if (draws.chance(options.erase)) recipe.erase = draw_erase(draws, view_size);
  if (options.operations > 0) keep_some(recipe, geometry, draws, options.operations, channels);
  recipe.theta = to_affine(geometry);
  draw_mix(recipe, draws, options, stored_size);
  return recipe;
}

}  // namespace penumbra::data
