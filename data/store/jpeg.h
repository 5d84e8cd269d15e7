#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/store/image.h"

// JPEG (libjpeg-turbo, the accurate DCT). All functions are thread-safe; a decoder's warning counts as an error: after
// one, libjpeg fills what it could not read with grey.
namespace penumbra::data {

/// By its first bytes.
bool is_jpeg(std::span<const std::uint8_t> bytes);

/// Grey or RGB. Throws DataError, which starts with `name`; refuses more than 64 Mpixel before allocating.
Image decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& name);
/// A square one of this side and these channels, into `out`; another one is a DataError.
void decode_jpeg(std::span<const std::uint8_t> bytes, int side, int channels, const std::string& name,
                 std::uint8_t* out);

/// Of quality 95 without subsampling.
std::vector<std::uint8_t> encode_jpeg(const Image& image);

/// The file's own compressed picture, without what else a camera or a program has written beside it (EXIF, comments,
/// colour profiles). Empty where that does not decode to `picture`, bit for bit: an EXIF orientation may have turned
/// it.
std::vector<std::uint8_t> bare_jpeg(std::span<const std::uint8_t> bytes, const Image& picture);

/// Throws DataError, which starts with `name`, for an image without pixels or with more than 64 Mpixel.
void check_dimensions(const std::string& name, std::uint64_t width, std::uint64_t height);

}  // namespace penumbra::data
