#include "data/synth/pose.h"

#include <algorithm>
#include <cmath>

namespace penumbra::data {
namespace {
constexpr double kDepth = .82;  // half the depth of a head
}

Pose::Pose(const Identity& who, const Scene& scene, int size)
    : half_width_(who.head_width),
      yaw_sine_(std::sin(scene.yaw)),
      yaw_cosine_(std::cos(scene.yaw)),
      pitch_sine_(std::sin(scene.pitch)),
      pitch_cosine_(std::cos(scene.pitch)),
      roll_(scene.roll),
      roll_sine_(std::sin(scene.roll)),
      roll_cosine_(std::cos(scene.roll)),
      unit_(scene.scale * size),
      centre_{size * (.5 + scene.shift_x), size * (.5 + scene.shift_y)} {
  const double deep = kDepth / half_width_;
  stretch_ = std::sqrt(yaw_cosine_ * yaw_cosine_ + deep * deep * yaw_sine_ * yaw_sine_);
}

Point Pose::place(double x, double y) const {
  return {centre_.x + unit_ * (x * roll_cosine_ - y * roll_sine_),
          centre_.y + unit_ * (x * roll_sine_ + y * roll_cosine_)};
}

Point Pose::on_face(Point p, double lift) const {
  const double u = p.x / (1.12 * half_width_), v = p.y / 1.3;
  const double z = kDepth * std::sqrt(std::max(.04, 1 - u * u - v * v)) + lift;
  const double x = p.x * yaw_cosine_ + z * yaw_sine_;
  const double depth = z * yaw_cosine_ - p.x * yaw_sine_;
  return place(x, p.y * pitch_cosine_ + (depth - .45) * pitch_sine_);
}

Polyline Pose::on_face(const Polyline& line, double lift) const {
  Polyline out;
  out.reserve(line.size());
  for (const Point& p : line) out.push_back(on_face(p, lift));
  return out;
}

// The lower face is in front of the skull's middle: it swings to the side with the features.
Point Pose::on_outline(Point p) const {
  const double low = std::clamp(p.y, 0., 1.1);
  return place(p.x * stretch_ + .42 * yaw_sine_ * low * low + .08 * yaw_sine_, p.y);
}

Polyline Pose::on_outline(const Polyline& line) const {
  Polyline out;
  out.reserve(line.size());
  for (const Point& p : line) out.push_back(on_outline(p));
  return out;
}

Point Pose::from_picture(double x, double y) const {
  const double dx = (x - centre_.x) / unit_, dy = (y - centre_.y) / unit_;
  return {(dx * roll_cosine_ + dy * roll_sine_) / stretch_, dy * roll_cosine_ - dx * roll_sine_};
}

}  // namespace penumbra::data
