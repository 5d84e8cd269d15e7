#pragma once

#include <array>
#include <vector>

#include "data/synth/action_units.h"
#include "data/synth/canvas.h"
#include "data/synth/identity.h"

namespace penumbra::data {

/// Curves of a face in the face frame (see Identity). Sides: 0 is the one at small x, 1 the other.
struct BrowShape {
  Polyline line;               ///< from the inner end to the outer
  std::vector<double> widths;  ///< as many
};

struct EyeShape {
  Polyline upper, lower;  ///< the lids' edges from the inner corner to the outer; they meet at both
  Point iris;
  double iris_radius = 0;
  Point centre;
};

/// All four from the corner at small x to the other one; they meet there.
struct MouthShape {
  Polyline upper_outer, upper_inner, lower_inner, lower_outer;
  double gap = 0;    ///< between the inner edges in the middle
  double teeth = 0;  ///< how far the upper teeth reach down from the upper inner edge
};

struct NoseShape {
  double base = 0;  ///< y of the wings' lower end
  double half_width = 0;
};

struct FaceShape {
  std::array<BrowShape, 2> brows;
  std::array<EyeShape, 2> eyes;
  MouthShape mouth;
  NoseShape nose;
  double chin = 1;  ///< y of the chin's tip, lower with a dropped jaw
};

/// The anatomy of `who` moved by `au`.
FaceShape face_shape(const Identity& who, const ActionUnits& au, const Scene& scene);

/// Half the width of the head at height y.
double head_half_width(const Identity& who, double chin, double y);

}  // namespace penumbra::data
