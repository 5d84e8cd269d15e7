#include "data/import/exif.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include <libexif/exif-data.h>

namespace penumbra::data {

int exif_orientation(std::span<const std::uint8_t> jpeg) {
  constexpr std::size_t kMost = std::numeric_limits<unsigned int>::max();
  const std::unique_ptr<ExifData, decltype(&exif_data_unref)> exif(
      exif_data_new_from_data(jpeg.data(), static_cast<unsigned int>(std::min(jpeg.size(), kMost))), &exif_data_unref);
  if (!exif) return 1;
  const ExifEntry* entry = exif_content_get_entry(exif->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return 1;
  const int orientation = exif_get_short(entry->data, exif_data_get_byte_order(exif.get()));
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

Image upright(Image image, int orientation) {
  if (orientation == 1) return image;
  // The stored picture's first row is the left or right side of the real one; its rows run up; its columns run left.
  const bool turned = orientation >= 5;
  const bool rows_run_back = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool columns_run_back = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  Image out{image.width, image.height, image.channels, {}};
  if (turned) std::swap(out.width, out.height);
  out.pixels.reserve(image.pixels.size());
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const int row = turned ? x : y, column = turned ? y : x;
      const int from_row = rows_run_back ? image.height - 1 - row : row;
      const int from_column = columns_run_back ? image.width - 1 - column : column;
      const auto pixel =
          image.pixels.begin() + (static_cast<std::ptrdiff_t>(from_row) * image.width + from_column) * image.channels;
      out.pixels.insert(out.pixels.end(), pixel, pixel + image.channels);
    }
  }
  return out;
}

}  // namespace penumbra::data
