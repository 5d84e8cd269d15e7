#include "trainer/nets/attention.h"

#include <algorithm>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/stack.h>

#include "trainer/nets/autocast.h"

namespace penumbra::trainer {
namespace {

constexpr double kCovered = 0.99;

/// Normalised view coordinate of positions k in cells, and back.
at::Tensor cell_to_view(const at::Tensor& k, int view_size, ReceptiveField field) {
  return (k * field.stride + field.offset).mul(2).add(1).div(view_size).sub(1);
}
at::Tensor view_to_cell(const at::Tensor& x, int view_size, ReceptiveField field) {
  return ((x + 1) * (0.5 * view_size) - 0.5 - field.offset) / field.stride;
}

struct Points {
  at::Tensor x, y;  // [B, ...]
};

/// The map at all points of the grid y x x: [B, |y|, |x|] each.
Points transform(const at::Tensor& map, const at::Tensor& y, const at::Tensor& x) {
  const auto column = y.unsqueeze(1);
  const auto coefficient = [&](int row, int c) { return map.select(1, row).select(1, c).reshape({-1, 1, 1}); };
  const auto along = [&](int row) {
    return coefficient(row, 0) * x + coefficient(row, 1) * column + coefficient(row, 2);
  };
  return {along(0), along(1)};
}

/// Linear interpolation weights of position k among n cells: [..., n], zero beyond them.
at::Tensor hat(const at::Tensor& k, std::int64_t n) {
  return (1 - (k.unsqueeze(-1) - at::arange(n, k.options())).abs()).clamp_min(0);
}

/// Positions of `n` equal parts' centres of each of `cells` cells: [cells * n], in cells.
at::Tensor parts(std::int64_t cells, std::int64_t n, const at::TensorOptions& options) {
  return (at::arange(cells * n, options) + 0.5) / static_cast<double>(n) - 0.5;
}

}  // namespace

at::Tensor attention_maps(const at::Tensor& features, const at::Tensor& fc_weight) {
  const Autocast off(features.device(), false);
  const auto maps = full_precision(features);
  return at::conv2d(maps, fc_weight.detach().to(maps.scalar_type()).unsqueeze(-1).unsqueeze(-1));
}

MapWarp warp_matrix(const at::Tensor& G, std::int64_t h, std::int64_t w, int view_size, ReceptiveField field) {
  const auto options = G.options().dtype(at::kFloat);
  const auto seen = transform(G.to(at::kFloat), cell_to_view(at::arange(h, options), view_size, field),
                              cell_to_view(at::arange(w, options), view_size, field));
  const auto rows = hat(view_to_cell(seen.y, view_size, field), h);     // [B, h, w, h]
  const auto columns = hat(view_to_cell(seen.x, view_size, field), w);  // [B, h, w, w]
  return {(rows.unsqueeze(-1) * columns.unsqueeze(-2)).reshape({-1, h * w, h * w}),
          rows.sum(-1) * columns.sum(-1) > kCovered};
}

at::Tensor apply_warp(const MapWarp& warp, const at::Tensor& maps) {
  const Autocast off(maps.device(), false);
  const auto flat = full_precision(maps).flatten(2);
  return at::bmm(flat, warp.weights.to(flat.scalar_type()).transpose(1, 2)).reshape(maps.sizes());
}

at::Tensor source_share(const at::Tensor& box, const at::Tensor& theta, std::int64_t h, std::int64_t w, int view_size,
                        ReceptiveField field) {
  const auto options = theta.options().dtype(at::kFloat);
  const auto n = std::max<std::int64_t>(1, std::llround(field.stride));
  const auto stored = transform(theta.to(at::kFloat), cell_to_view(parts(h, n, options), view_size, field),
                                cell_to_view(parts(w, n, options), view_size, field));
  const auto inside = [&](const at::Tensor& position, int low, int high) {
    const auto edge = [&](int i) { return box.select(1, i).reshape({-1, 1, 1}); };
    const auto clamped = position.clamp(-1, std::nextafter(1.0F, 0.0F));
    return (clamped >= edge(low)).logical_and(clamped < edge(high));
  };
  const auto partner = inside(stored.x, 0, 2).logical_and(inside(stored.y, 1, 3)).to(at::kFloat);
  return 1 - partner.reshape({-1, h, n, w, n}).mean({2, 4}).unsqueeze(1);
}

at::Tensor compose_affine(const at::Tensor& outer, const at::Tensor& inner) {
  const Autocast off(inner.device(), false);
  const auto linear = outer.narrow(2, 0, 2).to(at::kFloat);
  const auto moved = at::bmm(linear, inner.to(at::kFloat));  // linear part and translation at once
  return at::cat({moved.narrow(2, 0, 2), moved.narrow(2, 2, 1) + outer.narrow(2, 2, 1)}, 2);
}

at::Tensor inverse_affine(const at::Tensor& map) {
  const auto m = [&](int row, int column) { return map.select(1, row).select(1, column).to(at::kFloat); };
  const auto determinant = m(0, 0) * m(1, 1) - m(0, 1) * m(1, 0);
  const auto a = m(1, 1) / determinant, b = -m(0, 1) / determinant;
  const auto c = -m(1, 0) / determinant, d = m(0, 0) / determinant;
  return at::stack({a, b, -(a * m(0, 2) + b * m(1, 2)), c, d, -(c * m(0, 2) + d * m(1, 2))}, 1).reshape({-1, 2, 3});
}

}  // namespace penumbra::trainer
