#pragma once

#include "data/synth/action_units.h"
#include "data/synth/canvas.h"
#include "data/synth/identity.h"

namespace penumbra::data {

/// Paints one shaded face, without the camera's exposure, blur and noise. Pure.
Canvas render_face(const Identity& who, const ActionUnits& au, const Scene& scene, int size, int channels);

}  // namespace penumbra::data
