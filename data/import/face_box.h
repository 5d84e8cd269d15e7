#pragma once

#include <optional>

#include "data/import/image_file.h"

namespace penumbra::data {

/// Where a face is in an image, in pixels; it may reach beyond the image. Values of at most a million either way.
struct FaceBox {
  int left = 0, top = 0, width = 0, height = 0;
};

/// The face as a square: as long as the longer side of the box' part inside the image, at most as the image's shorter
/// side; around that part's middle, but moved inside the image. Nothing where the box and the image share no pixel.
std::optional<Image> crop_face(const Image& image, const FaceBox& box);

}  // namespace penumbra::data
