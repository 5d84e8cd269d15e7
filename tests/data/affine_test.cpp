#include "data/render/affine.h"

#include <complex>
#include <numbers>
#include <stdexcept>

#include <gtest/gtest.h>

#include "data/plan/philox.h"

namespace penumbra::data {
namespace {

using Point = std::complex<double>;  // x + i y

Point mapped(const Affine& map, Point p) {
  const auto& m = map.m;
  return {m[0] * p.real() + m[1] * p.imag() + m[2], m[3] * p.real() + m[4] * p.imag() + m[5]};
}

/// Where the eye sees content of stored coordinates p: flipped, turned, enlarged, shifted (a side is 2 long).
Point seen(const Geometry& g, Point p) {
  if (g.flip) p = -std::conj(p);
  return p * std::polar<double>(g.scale, g.angle) + 2.0 * Point(g.shift_x, g.shift_y);
}

Geometry random_geometry(Draws& draws) {
  const auto around = [&](double centre, double spread) {
    return static_cast<float>(draws.uniform(centre - spread, centre + spread));
  };
  return {draws.chance(0.5), around(0, 3), around(1.2, 0.8), around(0, 0.6), around(0, 0.6)};
}

Point random_point(Draws& draws) { return {draws.uniform(-1, 1), draws.uniform(-1, 1)}; }

TEST(Affine, OfAGeometryLeadsBackFromWhereTheContentIsSeen) {
  Draws draws(1, Purpose::probe, 0, 0);
  for (int trial = 0; trial < 500; ++trial) {
    const Geometry geometry = random_geometry(draws);
    const Point stored = random_point(draws);
    EXPECT_LT(std::abs(mapped(to_affine(geometry), seen(geometry, stored)) - stored), 2e-6);
  }
}

TEST(Affine, OfNoGeometryIsTheIdentityExactly) { EXPECT_EQ(to_affine({}).m, Affine{}.m); }

TEST(Affine, OfAQuarterTurnMovesTheRightEdgeToTheBottom) {
  const Affine theta = to_affine({.angle = std::numbers::pi_v<float> / 2});
  EXPECT_LT(std::abs(mapped(theta, {0, 1}) - Point(1, 0)), 1e-6);
}

TEST(Affine, ComposesInnerFirst) {
  Draws draws(2, Purpose::probe, 0, 0);
  for (int trial = 0; trial < 200; ++trial) {
    const Affine outer = to_affine(random_geometry(draws)), inner = to_affine(random_geometry(draws));
    const Point p = random_point(draws);
    EXPECT_LT(std::abs(mapped(compose(outer, inner), p) - mapped(outer, mapped(inner, p))), 1e-5);
  }
}

TEST(Affine, InverseUndoesTheMapOnBothSides) {
  Draws draws(3, Purpose::probe, 0, 0);
  for (int trial = 0; trial < 200; ++trial) {
    const Affine map = to_affine(random_geometry(draws));
    const Point p = random_point(draws);
    EXPECT_LT(std::abs(mapped(inverse(map), mapped(map, p)) - p), 1e-5);
    EXPECT_LT(std::abs(mapped(map, mapped(inverse(map), p)) - p), 1e-5);
  }
}

TEST(Affine, RefusesWhatHasNoInverse) {
  EXPECT_THROW(inverse({{1, 2, 0, 2, 4, 1}}), std::domain_error);
  EXPECT_THROW(inverse({{0, 0, 0, 0, 0, 0}}), std::domain_error);
  EXPECT_THROW(to_affine({.scale = 0}), std::domain_error);
}

}  // namespace
}  // namespace penumbra::data
