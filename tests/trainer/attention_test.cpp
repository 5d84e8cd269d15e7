#include "trainer/nets/attention.h"

#include <array>

#include <ATen/ops/arange.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "tests/trainer/tensor_testing.h"
#include "trainer/nets/autocast.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::gradient_error;
using penumbra::testing::largest_difference;
using penumbra::testing::normal;
using penumbra::testing::uniform;
using penumbra::testing::values;

/// An affine map in plain doubles: x' = m0 x + m1 y + m2, y' = m3 x + m4 y + m5.
using Map = std::array<double, 6>;
struct Point {
  double x, y;
};

Point apply(const Map& m, Point p) { return {m[0] * p.x + m[1] * p.y + m[2], m[3] * p.x + m[4] * p.y + m[5]}; }

/// Where p comes from, by Cramer's rule.
Point solve(const Map& m, Point p) {
  const double determinant = m[0] * m[4] - m[1] * m[3], x = p.x - m[2], y = p.y - m[5];
  return {(m[4] * x - m[1] * y) / determinant, (m[0] * y - m[3] * x) / determinant};
}

Map turned(double angle, double scale, double x, double y, bool flip) {
  const double c = std::cos(angle) * scale, s = std::sin(angle) * scale, sign = flip ? -1 : 1;
  return {sign * c, -s, x, sign * s, c, y};
}

at::Tensor tensor(const std::vector<Map>& maps) {
  std::vector<double> flat;
  for (const auto& m : maps) flat.insert(flat.end(), m.begin(), m.end());
  return at::tensor(flat, at::kFloat).reshape({-1, 2, 3});
}

double to_cell(double x, int size, ReceptiveField field) {
  return ((x + 1) * size / 2 - 0.5 - field.offset) / field.stride;
}
double to_view(double k, int size, ReceptiveField field) {
  return (2 * (field.offset + field.stride * k) + 1) / size - 1;
}

constexpr Map kIdentity{1, 0, 0, 0, 1, 0}, kFlip{-1, 0, 0, 0, 1, 0};

TEST(AttentionMaps, AreTheClassWeightsAppliedAtEachCell) {
  const auto features = normal({2, 4, 3, 5}, 1), weight = normal({3, 4}, 2).requires_grad_(true);
  auto leaf = features.clone().requires_grad_(true);
  const auto maps = attention_maps(leaf, weight);
  ASSERT_EQ(maps.sizes(), at::IntArrayRef({2, 3, 3, 5}));
  const auto f = values(features), w = values(weight), a = values(maps);
  for (std::size_t b = 0; b < 2; ++b)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t i = 0; i < 15; ++i) {
        double expected = 0;
        for (std::size_t k = 0; k < 4; ++k) expected += w[c * 4 + k] * f[(b * 4 + k) * 15 + i];
        EXPECT_NEAR(a[(b * 3 + c) * 15 + i], expected, 1e-12);
      }
  maps.sum().backward();
  EXPECT_TRUE(leaf.grad().defined());
  EXPECT_FALSE(weight.grad().defined());
}

TEST(AttentionMaps, MeanOverCellsPlusBiasIsTheLogit) {
  ResNet net({10, 4, "small", 2, 1, 1, 3}, 1);
  const auto out = net.forward(normal({2, 1, 16, 16}, 1).to(at::kFloat), true);
  const auto& bias = net.parameters().back().tensor;
  EXPECT_LT(largest_difference(attention_maps(out.features, net.fc_weight()).mean({2, 3}) + bias, out.logits), 1e-5);
}

TEST(AttentionMaps, StayInFp32UnderAutocast) {
  const auto features = normal({2, 4, 3, 3}, 1).to(at::kBFloat16), weight = normal({3, 4}, 2).to(at::kFloat);
  const auto expected = attention_maps(features.to(at::kFloat), weight);
  const Autocast on(at::kCPU, true);
  const auto maps = attention_maps(features, weight);
  const auto warped = apply_warp(warp_matrix(tensor({kIdentity, kIdentity}), 3, 3, 24, {0, 8}), maps);
  EXPECT_EQ(maps.scalar_type(), at::kFloat);
  EXPECT_EQ(warped.scalar_type(), at::kFloat);
  EXPECT_EQ(largest_difference(maps, expected), 0);
  EXPECT_LT(largest_difference(warped, expected), 1e-5);
}

TEST(Warp, IdentityLeavesEveryCell) {
  for (const ReceptiveField field : {ReceptiveField{0, 8}, ReceptiveField{3.5, 8}, ReceptiveField{1, 12}}) {
    const auto warp = warp_matrix(tensor({kIdentity}), 6, 6, 48, field);
    EXPECT_LT(largest_difference(warp.weights[0], at::eye(36)), 1e-5);
    EXPECT_TRUE(warp.covered.all().item<bool>());
  }
}

TEST(Warp, FlipEqualsTensorFlipWhereCellsLieSymmetrically) {
  const ReceptiveField symmetric{3.5, 8}, lopsided{0, 8};
  const auto maps = normal({1, 2, 6, 6}, 1).to(at::kFloat);
  const auto warp = warp_matrix(tensor({kFlip}), 6, 6, 48, symmetric);
  EXPECT_LT(largest_difference(apply_warp(warp, maps), maps.flip(3)), 1e-4);
  EXPECT_TRUE(warp.covered.all().item<bool>());
  EXPECT_GT(largest_difference(apply_warp(warp_matrix(tensor({kFlip}), 6, 6, 48, lopsided), maps), maps.flip(3)), 0.1);
}

TEST(Warp, AShiftByOneCellMovesTheMapByOneCell) {
  const auto maps = normal({1, 2, 6, 6}, 1).to(at::kFloat);
  for (const ReceptiveField field : {ReceptiveField{0, 8}, ReceptiveField{3.5, 8}}) {
    const auto warp = warp_matrix(tensor({{1, 0, 16.0 / 48, 0, 1, 0}}), 6, 6, 48, field);
    const auto out = apply_warp(warp, maps);
    EXPECT_LT(largest_difference(out.narrow(3, 0, 5), maps.narrow(3, 1, 5)), 1e-4);
    EXPECT_LT(out.select(3, 5).abs().max().item<double>(), 1e-4);
    EXPECT_TRUE(warp.covered.narrow(2, 0, 5).all().item<bool>());
    EXPECT_FALSE(warp.covered.select(2, 5).any().item<bool>());
  }
}

TEST(Warp, EqualsBilinearSamplingWrittenAsLoops) {
  const int size = 40;
  const std::int64_t h = 5, w = 7;
  const ReceptiveField field{1, 6};
  const std::vector<Map> maps{turned(0.3, 0.9, 0.1, -0.2, true), turned(-0.2, 1.1, 0.05, 0.3, false)};
  const auto input = normal({2, 3, h, w}, 4);
  const auto warp = warp_matrix(tensor(maps), h, w, size, field);
  const auto output = apply_warp(warp, input);
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t i = 0; i < h; ++i)
      for (std::int64_t j = 0; j < w; ++j) {
        const auto seen = apply(maps[static_cast<std::size_t>(b)], {to_view(static_cast<double>(j), size, field),
                                                                    to_view(static_cast<double>(i), size, field)});
        const double x = to_cell(seen.x, size, field), y = to_cell(seen.y, size, field);
        double weight = 0, value = 0;
        for (const double row : {std::floor(y), std::floor(y) + 1})
          for (const double column : {std::floor(x), std::floor(x) + 1}) {
            if (row < 0 || row >= h || column < 0 || column >= w) continue;
            const double share = (1 - std::abs(y - row)) * (1 - std::abs(x - column));
            weight += share;
            value +=
                share * input[b][1][static_cast<std::int64_t>(row)][static_cast<std::int64_t>(column)].item<double>();
          }
        EXPECT_NEAR(output[b][1][i][j].item<double>(), value, 1e-5);
        EXPECT_EQ(warp.covered[b][i][j].item<bool>(), weight > 0.99);
      }
}

TEST(Warp, GradientEqualsFiniteDifferences) {
  auto maps = normal({1, 2, 4, 4}, 1).requires_grad_(true);
  const auto warp = warp_matrix(tensor({turned(0.3, 0.9, 0.1, -0.2, true)}), 4, 4, 32, {0, 8});
  const auto direction = normal({1, 2, 4, 4}, 2);
  EXPECT_LT(gradient_error([&] { return (apply_warp(warp, maps) * direction).sum(); }, maps, 16), 1e-8);
}

/// A bump of the map around a cell position, and where the middle of a map's mass is.
at::Tensor bump(Point centre, std::int64_t cells) {
  const auto k = at::arange(cells, at::kDouble);
  const auto along = [&](double c) { return (-(k - c).square() / (2 * 1.2 * 1.2)).exp(); };
  return (along(centre.y).unsqueeze(1) * along(centre.x)).reshape({1, 1, cells, cells});
}

Point centroid(const at::Tensor& map) {
  const auto k = at::arange(map.size(3), at::kDouble);
  const double mass = map.sum().item<double>();
  return {(map.sum(2) * k).sum().item<double>() / mass, (map.sum(3) * k).sum().item<double>() / mass};
}

TEST(Warp, ALandmarkSeenInTheWeakViewLandsOnItsCellOfTheAmbiguousView) {
  const int size = 112;
  const std::int64_t cells = 14;
  const Point landmark{0.12, -0.2};  // in stored coordinates
  const Map weak[] = {turned(0, 1, 0.1, -0.06, true), turned(0, 1, -0.12, 0.04, false)};
  const Map theta[] = {turned(0.17, 1.1, 0.1, 0.06, false), turned(-0.17, 0.9, -0.08, 0.1, true)};
  for (const ReceptiveField field : {ReceptiveField{0, 8}, ReceptiveField{3.5, 8}, ReceptiveField{1, 8}})
    for (const auto& W : weak)
      for (const auto& T : theta) {
        const auto cell = [&](const Map& view) {
          const auto p = solve(view, landmark);
          return Point{to_cell(p.x, size, field), to_cell(p.y, size, field)};
        };
        const auto G = compose_affine(inverse_affine(tensor({W})), tensor({T}));
        const auto seen = apply_warp(warp_matrix(G, cells, cells, size, field), bump(cell(W), cells));
        EXPECT_NEAR(centroid(seen).x, cell(T).x, 0.1);
        EXPECT_NEAR(centroid(seen).y, cell(T).y, 0.1);
      }
}

TEST(Affine, ComposeAppliesTheInnerFirstAndInverseUndoes) {
  const Map a = turned(0.4, 1.2, 0.3, -0.1, true), b = turned(-0.7, 0.8, -0.2, 0.5, false);
  const Point p{0.3, -0.8};
  const auto both = values(compose_affine(tensor({a}), tensor({b})));
  const auto back = values(inverse_affine(tensor({a})));
  const Map ab{both[0], both[1], both[2], both[3], both[4], both[5]};
  const Map inverse{back[0], back[1], back[2], back[3], back[4], back[5]};
  EXPECT_NEAR(apply(ab, p).x, apply(a, apply(b, p)).x, 1e-6);
  EXPECT_NEAR(apply(ab, p).y, apply(a, apply(b, p)).y, 1e-6);
  EXPECT_NEAR(apply(inverse, p).x, solve(a, p).x, 1e-6);
  EXPECT_NEAR(apply(inverse, p).y, solve(a, p).y, 1e-6);
}

at::Tensor boxes(std::vector<double> box) { return at::tensor(box, at::kFloat).reshape({-1, 4}); }

TEST(SourceShare, AveragesToLambdaWhereCellsTileTheImage) {
  // Stored 48 pixels, box of 11 x 23 of them; cells of 8 that tile the view.
  const double x0 = 2.0 * 5 / 48 - 1, x1 = 2.0 * 16 / 48 - 1, y0 = 2.0 * 25 / 48 - 1, y1 = 1;
  const auto share = source_share(boxes({x0, y0, x1, y1}), tensor({kIdentity}), 6, 6, 48, {3.5, 8});
  EXPECT_NEAR(share.mean().item<double>(), 1 - 11.0 * 23 / (48 * 48), 1e-6);
  EXPECT_FLOAT_EQ(share[0][0][0][0].item<float>(), 1);
  EXPECT_FLOAT_EQ(share[0][0][5][1].item<float>(), 0);
  EXPECT_FLOAT_EQ(share[0][0][5][0].item<float>(), 5.0F / 8);
}

TEST(SourceShare, EqualsFineSamplingThroughThetaWithTheBorderReplicated) {
  const Map theta = turned(0.3, 1.3, 0.2, 0.25, true);
  const double box[] = {-0.2, 0.1, 1, 0.7};
  const ReceptiveField field{0, 8};
  const int size = 48, fine = 96;
  const auto share = source_share(boxes({box[0], box[1], box[2], box[3]}), tensor({theta}), 6, 6, size, field);
  double outside = 0;
  for (std::int64_t i = 0; i < 6; ++i)
    for (std::int64_t j = 0; j < 6; ++j) {
      double partner = 0;
      for (int u = 0; u < fine; ++u)
        for (int v = 0; v < fine; ++v) {
          const auto p = apply(theta, {to_view(static_cast<double>(j) + (v + 0.5) / fine - 0.5, size, field),
                                       to_view(static_cast<double>(i) + (u + 0.5) / fine - 0.5, size, field)});
          if (p.x > 1) outside += 1;
          const bool in_x = p.x >= box[0];  // the box ends at the border, which goes on beyond it
          const bool in_y = p.y >= box[1] && p.y < box[3];
          partner += in_x && in_y ? 1 : 0;
        }
      EXPECT_NEAR(share[0][0][i][j].item<double>(), 1 - partner / (fine * fine), 0.03);
    }
  EXPECT_GT(outside, 0);
}

TEST(SourceShare, AnEmptyBoxIsAllSource) {
  const auto share = source_share(boxes({0, 0, 0, 0}), tensor({turned(0.3, 1.3, 0.2, 0.25, true)}), 4, 4, 32, {0, 8});
  EXPECT_TRUE((share == 1).all().item<bool>());
}

}  // namespace
}  // namespace penumbra::trainer
