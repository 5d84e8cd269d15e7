#include "data/import/face_box.h"

#include <algorithm>

namespace penumbra::data {
namespace {

/// Pixels along an axis.
struct Stretch {
  int first = 0, length = 0;
};

Stretch inside(int first, int length, int size) {
  const int begin = std::max(first, 0), end = std::min(first + length, size);
  return {begin, end - begin};
}

int first_of_square(const Stretch& part, int side, int size) {
  return std::clamp(part.first + (part.length - side) / 2, 0, size - side);
}

}  // namespace

std::optional<Image> crop_face(const Image& image, const FaceBox& box) {
  const Stretch columns = inside(box.left, box.width, image.width), rows = inside(box.top, box.height, image.height);
  if (columns.length <= 0 || rows.length <= 0) return std::nullopt;
  const int side = std::min({std::max(columns.length, rows.length), image.width, image.height});
  const int left = first_of_square(columns, side, image.width), top = first_of_square(rows, side, image.height);
  Image face{side, side, image.channels, {}};
  face.pixels.reserve(static_cast<std::size_t>(side) * side * image.channels);
  for (int y = top; y < top + side; ++y) {
    const auto row = image.pixels.begin() + (static_cast<std::ptrdiff_t>(y) * image.width + left) * image.channels;
    face.pixels.insert(face.pixels.end(), row, row + static_cast<std::ptrdiff_t>(side) * image.channels);
  }
  return face;
}

}  // namespace penumbra::data
