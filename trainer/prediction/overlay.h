#pragma once

#include <vector>

#include "data/store/image.h"

namespace penumbra::trainer {

/// Where a net looks for one class: [height, width], row-major; what is positive speaks for the class.
struct AttentionMap {
  int height = 0, width = 0;
  std::vector<float> values;
};

/// The face, and beside it, from left to right, the same face under each map: RGB, a whole number of times as large,
/// each at least `least_width` pixels wide. A map is stretched over the face (bilinear) and drawn from no colour at 0,
/// over red, to yellow at its own largest value; what is not positive is left as it is.
data::Image overlay(const data::Image& face, const std::vector<AttentionMap>& maps, int least_width = 192);

}  // namespace penumbra::trainer
