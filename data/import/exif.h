#pragma once

#include <cstdint>
#include <span>

#include "data/store/image.h"

namespace penumbra::data {

/// How the pixels of a JPEG lie, by its EXIF (tag 274, Orientation): 1, upright, to 8. 1 where it does not say.
int exif_orientation(std::span<const std::uint8_t> jpeg);

/// The picture as it is to be looked at. orientation: 1 to 8.
Image upright(Image image, int orientation);

}  // namespace penumbra::data
