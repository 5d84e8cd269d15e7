#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>

#include <turbojpeg.h>

#include "data/import/image_file.h"
#include "tests/data/store_testing.h"

namespace penumbra::data::testing {

/// A JPEG of quality 100 without subsampling.
inline std::string jpeg_bytes(const Image& image) {
  tjhandle jpeg = tjInitCompress();
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  const bool grey = image.channels == 1;
  const int failed = tjCompress2(jpeg, image.pixels.data(), image.width, 0, image.height, grey ? TJPF_GRAY : TJPF_RGB,
                                 &buffer, &size, grey ? TJSAMP_GRAY : TJSAMP_444, 100, TJFLAG_ACCURATEDCT);
  const std::string bytes(reinterpret_cast<char*>(buffer), size);
  tjFree(buffer);
  tjDestroy(jpeg);
  if (failed) throw std::runtime_error("tjCompress2");
  return bytes;
}

inline std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The same JPEG with a segment of this content behind its first mark, where cameras write their EXIF.
inline std::string with_exif(const std::string& jpeg, const std::string& content) {
  const std::string text = std::string("Exif\0\0", 6) + content;
  std::string marker = "\xff\xe1";
  marker += static_cast<char>(0);
  marker += static_cast<char>(text.size() + 2);
  return jpeg.substr(0, 2) + marker + text + jpeg.substr(2);
}

/// Such content that says nothing but this orientation, big-endian (TIFF 6.0: a directory of one entry, tag 274, one
/// SHORT).
inline std::string orientation_content(char orientation) {
  const std::string header("MM\0\x2a\0\0\0\x08", 8), entry("\0\x01\x01\x12\0\x03\0\0\0\x01\0", 11);
  return header + entry + orientation + std::string(6, '\0');
}

/// A square image whose bytes tell `seed`.
inline Image test_image(int size, int channels, int seed) {
  Image image{size, size, channels, {}};
  for (int i = 0; i < size * size * channels; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>((i * 7 + seed * 29) % 256));
  return image;
}

inline void put_png(const std::filesystem::path& path, const Image& image) {
  std::filesystem::create_directories(path.parent_path());
  write_png(path, image);
}

}  // namespace penumbra::data::testing
