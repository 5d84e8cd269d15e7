#pragma once

#include <filesystem>
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
