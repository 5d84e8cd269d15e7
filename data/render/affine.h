#pragma once

#include <array>

namespace penumbra::data {

/// A 2x3 affine map of homogeneous coordinates, normalised to [-1, 1] over the pixel *edges* (align_corners = false).
/// It maps output (view) coordinates to stored ones, as affine_grid does: x' = m[0] x + m[1] y + m[2].
struct Affine {
  std::array<float, 6> m{1, 0, 0, 0, 1, 0};
};

/// Parameters of a geometric augmentation of the *content*: what the eye sees move. Angles in radians, shift as a share of the side
/// (0.06 moves the content by 6 % of the side to the right / down), scale > 1 enlarges the content.
struct Geometry {
  bool flip = false;
  float angle = 0, scale = 1, shift_x = 0, shift_y = 0;
};

Affine to_affine(const Geometry& geometry);
Affine compose(const Affine& outer, const Affine& inner);  ///< x -> outer(inner(x))
Affine inverse(const Affine& map);                         ///< throws std::domain_error for a singular map

}  // namespace penumbra::data
