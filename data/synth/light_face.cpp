#include <algorithm>
#include <vector>

#include "data/synth/painting.h"

namespace penumbra::data {
namespace {

// A Gaussian hill (or hollow) on the ellipsoid of the head; lengths in the face frame, seen from the front.
struct Bump {
  Point centre;
  double width, height, rise;
};

std::vector<Bump> relief(const Painting& p) {
  const double eye = p.who.eye_height, base = p.shape.nose.base, x = p.who.eye_spacing;
  const double smile = .5 * (p.au[Au::lip_corner_left] + p.au[Au::lip_corner_right]);
  const double cheek = p.au[Au::cheek_raiser], frown = p.au[Au::brow_lowerer];
  std::vector<Bump> bumps = {
      {{0, base - .06}, .085, .075, .10},
      {{0, .5 * (eye + base) - .02}, .06, .16, .075},
      {{0, eye - .17}, .09, .07, .02 + .04 * frown},
      {{0, p.who.mouth_height}, .24, .13, .05},
      {{0, p.shape.chin - .12}, .15, .08, .05 + .04 * p.au[Au::chin_raiser]},
  };
  for (const double side : {-1., 1.}) {
    bumps.push_back({{side * x, eye - .18}, .16, .055, .035});
    bumps.push_back({{side * x, eye + .01}, .13, .08, -.045});
    bumps.push_back({{side * (x + .1), eye + .34 - .07 * cheek}, .16, .13, .06 + .05 * smile + .03 * cheek});
  }
  for (Bump& bump : bumps) {
    const Point shown = p.pose.on_face(bump.centre, bump.centre.x == 0 ? .08 : .02);
    bump.centre = p.pose.from_picture(shown.x, shown.y);
  }
  return bumps;
}

}  // namespace

void light_face(Painting& p) {
  const std::vector<Bump> bumps = relief(p);
  const double cosine = std::cos(p.pose.roll()), sine = std::sin(p.pose.roll());
  const double lx = p.scene.light_x * cosine + p.scene.light_y * sine;
  const double ly = p.scene.light_y * cosine - p.scene.light_x * sine, lz = p.scene.light_z;
  const int size = p.canvas.size(), channels = p.canvas.channels();
  for (int row = 0; row < size; ++row)
    for (int column = 0; column < size; ++column) {
      const Point at = p.pose.from_picture(column + .5, row + .5);
      const double u = at.x / (p.who.head_width + .12), v = at.y / 1.12;
      const double radius = u * u + v * v;
      const double inside = p.canvas.foreground(column, row);
      if (inside <= 0) continue;
      double gx = .62 * u / std::sqrt(std::max(.25, 1 - .75 * radius)),
             gy = .5 * v / std::sqrt(std::max(.25, 1 - .75 * radius));
      for (const Bump& bump : bumps) {
        const double bx = (at.x - bump.centre.x) / bump.width, by = (at.y - bump.centre.y) / bump.height;
        const double q = .5 * (bx * bx + by * by);
        if (q > 4.5) continue;
        const double height = bump.rise * std::exp(-q);
        gx += height * bx / bump.width;
        gy += height * by / bump.height;
      }
      const double facing = (gx * lx + gy * ly + lz) / std::sqrt(gx * gx + gy * gy + 1);
      const double light = p.scene.ambient + (1 - p.scene.ambient) * 1.25 * std::max(0., facing);
      const auto factor = static_cast<float>(1 + (light - 1) * inside);
      float* out = p.canvas.pixel(column, row);
      for (int c = 0; c < channels; ++c) out[c] *= factor;
    }
}

}  // namespace penumbra::data
