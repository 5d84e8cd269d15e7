#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "data/store/image.h"

namespace penumbra::data {

/// Decodes a PNG or JPEG (by content, not by name). Alpha is dropped, palettes and 16 bits become 8-bit grey or RGB; a
/// PNG's gAMA chunk and a JPEG's EXIF orientation are honoured. Throws DataError naming the file, also when only its
/// end is missing or the decoder had to guess; refuses more than 64 Mpixel before allocating. Thread-safe.
Image read_image(const std::filesystem::path& path);
/// The same from the bytes of a file; `name` is what complaints call it.
Image decode_image(std::span<const std::uint8_t> bytes, const std::filesystem::path& name);
/// .png, .jpg or .jpeg, in any case.
bool has_image_ending(const std::filesystem::path& path);
/// The bytes of a file. Throws DataError naming it.
std::vector<std::uint8_t> read_image_bytes(const std::filesystem::path& path);
/// For contact sheets.
void write_png(const std::filesystem::path& path, const Image& image);
/// The bytes of a PNG file. Throws std::invalid_argument where the pixels do not fit the size.
std::vector<std::uint8_t> encode_png(const Image& image);

/// Grey (ITU-R BT.601 luma) or RGB.
Image to_channels(const Image& image, int channels);
/// To size x size, the axes apart: bilinear where an axis grows (pixel centres aligned, edges repeated), the average
/// over the area that a pixel covers where it shrinks.
Image resize(const Image& image, int size);

}  // namespace penumbra::data
