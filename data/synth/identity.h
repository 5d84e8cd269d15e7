#pragma once

#include "data/plan/philox.h"
#include "data/synth/canvas.h"

namespace penumbra::data {

enum class HairStyle { bald, short_cut, side_part, fringe, long_hair, curls };

/// Who it is. Lengths are in half-heights of the head: the face frame has x to the right, y down and z towards the
/// viewer, the origin in the middle of the head, the crown at y = -1 and the chin at y = 1.
struct Identity {
  double head_width, jaw, chin;
  double eye_spacing, eye_height, eye_width, eye_opening, eye_tilt;
  double brow_gap, brow_length, brow_thickness, brow_arch, brow_tilt;
  double nose_length, nose_width;
  double mouth_height, mouth_width, lip_fullness, mouth_bow;
  double age;  ///< 0 (smooth) to 1 (lined)
  Colour skin, hair, iris, lips;
  HairStyle hair_style;
  double hairline, hair_volume, parting;
  double beard, moustache;  ///< opacity
  bool glasses;
  double glasses_size;
};
Identity draw_identity(Draws& draws);

/// How the camera saw it.
struct Scene {
  double yaw, pitch, roll;           ///< radians
  double scale;                      ///< half-height of the head / side of the picture
  double shift_x, shift_y;           ///< of the head's middle from the picture's, / side
  double gaze_x, gaze_y;             ///< of the pupils, / eye width
  double light_x, light_y, light_z;  ///< unit vector towards the light, in picture axes
  double ambient;                    ///< share of the light that comes from everywhere
  Colour back_near, back_far;
  double back_angle;
  double blur;          ///< Gaussian sigma, pixels of a 48-pixel picture
  double noise;         ///< standard deviation, of 1
  double gain, offset;  ///< exposure: value * gain + offset
};
Scene draw_scene(Draws& draws);

}  // namespace penumbra::data
