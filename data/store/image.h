#pragma once

#include <cstdint>
#include <vector>

namespace penumbra::data {

struct Image {
  int width = 0, height = 0, channels = 0;  ///< channels 1 or 3
  std::vector<std::uint8_t> pixels;         ///< [height, width, channels]

  bool operator==(const Image&) const = default;
};

}  // namespace penumbra::data
