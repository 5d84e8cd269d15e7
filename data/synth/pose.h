#pragma once

#include "data/synth/canvas.h"
#include "data/synth/identity.h"

namespace penumbra::data {

/// From the face frame to the picture: the front of the head is an ellipsoid that is turned (yaw, pitch), seen without
/// perspective, then rolled, scaled and shifted.
class Pose {
 public:
  Pose(const Identity& who, const Scene& scene, int size);

  double unit() const { return unit_; }  ///< pixels of one length in the face frame
  double roll() const { return roll_; }
  Point on_face(Point p, double lift = 0) const;  ///< on the ellipsoid, `lift` in front of it
  Polyline on_face(const Polyline& line, double lift = 0) const;
  Point on_outline(Point p) const;  ///< in the plane of the silhouette
  Polyline on_outline(const Polyline& line) const;
  Point from_picture(double x, double y) const;  ///< the silhouette's plane again, from pixels

 private:
  Point place(double x, double y) const;

  double half_width_, yaw_sine_, yaw_cosine_, pitch_sine_, pitch_cosine_, roll_, roll_sine_, roll_cosine_, unit_;
  Point centre_;
  double stretch_;  // of the silhouette's width under yaw: a head is deeper than wide
};

}  // namespace penumbra::data
