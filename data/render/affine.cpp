#include "data/render/affine.h"

#include <cmath>
#include <stdexcept>

namespace penumbra::data {
namespace {

Affine rounded(double a, double b, double c, double d, double e, double f) {
  return {{static_cast<float>(a), static_cast<float>(b), static_cast<float>(c), static_cast<float>(d),
           static_cast<float>(e), static_cast<float>(f)}};
}

}  // namespace

// The content moves by p -> scale R F p + t, so the view at x shows what is stored at F R^-1 (x - t) / scale.
Affine to_affine(const Geometry& geometry) {
  if (!(geometry.scale > 0)) throw std::domain_error("Geometry: scale must be positive");
  const double cosine = std::cos(static_cast<double>(geometry.angle)) / geometry.scale;
  const double sine = std::sin(static_cast<double>(geometry.angle)) / geometry.scale;
  const double tx = 2.0 * geometry.shift_x;  // the side spans 2 in normalised coordinates
  const double ty = 2.0 * geometry.shift_y;
  const double mirror = geometry.flip ? -1 : 1;
  return rounded(mirror * cosine, mirror * sine, -mirror * (cosine * tx + sine * ty),  //
                 -sine, cosine, sine * tx - cosine * ty);
}

Affine compose(const Affine& outer, const Affine& inner) {
  const std::array<double, 6> o{outer.m[0], outer.m[1], outer.m[2], outer.m[3], outer.m[4], outer.m[5]};
  const std::array<double, 6> i{inner.m[0], inner.m[1], inner.m[2], inner.m[3], inner.m[4], inner.m[5]};
  return rounded(o[0] * i[0] + o[1] * i[3], o[0] * i[1] + o[1] * i[4], o[0] * i[2] + o[1] * i[5] + o[2],
                 o[3] * i[0] + o[4] * i[3], o[3] * i[1] + o[4] * i[4], o[3] * i[2] + o[4] * i[5] + o[5]);
}

Affine inverse(const Affine& map) {
  const std::array<double, 6> m{map.m[0], map.m[1], map.m[2], map.m[3], map.m[4], map.m[5]};
  const double determinant = m[0] * m[4] - m[1] * m[3];
  const double a = m[4] / determinant, b = -m[1] / determinant, d = -m[3] / determinant, e = m[0] / determinant;
  const double c = -(a * m[2] + b * m[5]), f = -(d * m[2] + e * m[5]);
  if (!std::isfinite(a + b + c + d + e + f)) throw std::domain_error("Affine: a singular map has no inverse");
  return rounded(a, b, c, d, e, f);
}

}  // namespace penumbra::data
