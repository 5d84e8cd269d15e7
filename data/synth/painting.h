#pragma once

#include <cmath>

#include "data/synth/face_shape.h"
#include "data/synth/pose.h"

namespace penumbra::data {

/// What the painters of one face share.
struct Painting {
  const Identity& who;
  const ActionUnits& au;
  const Scene& scene;
  FaceShape shape;
  Pose pose;
  Canvas& canvas;

  double pixels(double length) const { return length * pose.unit(); }
};

// In this order.
void paint_background(Painting& painting);
/// Shoulders, neck, hair behind the head, ears, skin, beard.
void paint_head(Painting& painting);
/// Folds, nose, eyes, brows, mouth.
void paint_folds(Painting& painting);
void paint_nose(Painting& painting);
void paint_eyes(Painting& painting);
void paint_brows(Painting& painting);
void paint_mouth(Painting& painting);
void paint_front_hair(Painting& painting);
/// Multiplies in the light that falls on the relief of the face.
void light_face(Painting& painting);
void paint_glasses(Painting& painting);

}  // namespace penumbra::data
