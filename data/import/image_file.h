#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace penumbra::data {

struct Image {
  int width = 0, height = 0, channels = 0;  ///< channels 1 or 3
  std::vector<std::uint8_t> pixels;         ///< [height, width, channels]
};

/// Decodes a PNG or JPEG (by content, not by name). Alpha is dropped, palettes and 16 bits become 8-bit grey or RGB.
/// Throws DataError naming the file; refuses more than 64 Mpixel before allocating.
Image read_image(const std::filesystem::path& path);
/// Grey (ITU-R BT.601 luma) or RGB.
Image to_channels(const Image& image, int channels);
/// Bilinear (with area averaging when shrinking) to size x size.
Image resize(const Image& image, int size);
/// For contact sheets.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace penumbra::data
