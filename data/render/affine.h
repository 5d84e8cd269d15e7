#pragma once

#include <array>

namespace penumbra::data {

/// A 2x3 affine map of homogeneous coordinates, normalised to [-1, 1] over the pixel *edges* (align_corners = false).
/// It maps output (view) coordinates to stored ones, as affine_grid does: x' = m[0] x + m[1] y + m[2].
struct Affine {
  std::array<float, 6> m{1, 0, 0, 0, 1, 0};
  bool operator==(const Affine&) const = default;
};

/// Parameters of a geometric augmentation of the *content*: what the eye sees move. In this order: the content is
/// flipped left to right, turned by `angle` radians (positive: clockwise as seen, for y points down) and enlarged by
/// `scale` (> 0; > 1 enlarges) about the centre, then shifted as a share of the side (0.06 moves it by 6 % of the side
/// to the right / down).
struct Geometry {
  bool flip = false;
  float angle = 0, scale = 1, shift_x = 0, shift_y = 0;
};

Affine to_affine(const Geometry& geometry);                ///< throws std::domain_error unless scale > 0
Affine compose(const Affine& outer, const Affine& inner);  ///< x -> outer(inner(x))
Affine inverse(const Affine& map);                         ///< throws std::domain_error for a singular map

}  // namespace penumbra::data
