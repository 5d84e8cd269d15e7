#include "trainer/prediction/overlay.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "data/contact_sheet.h"
#include "data/import/image_file.h"

namespace penumbra::trainer {
namespace {

constexpr float kMostOpaque = 0.65f;  // of the colour over the face
constexpr std::array kRed = {230.0f, 30.0f, 20.0f}, kYellow = {255.0f, 230.0f, 60.0f};

/// The map as a grey image, 255 where it is largest, 0 where it is not positive.
data::Image as_image(const AttentionMap& map) {
  data::Image image{map.width, map.height, 1, {}};
  const float largest = std::max(0.0f, *std::max_element(map.values.begin(), map.values.end()));
  for (const float value : map.values)
    image.pixels.push_back(largest > 0 ? static_cast<std::uint8_t>(std::lround(255 * std::max(0.0f, value) / largest))
                                       : 0);
  return image;
}

/// `face`, RGB, under the colours of `strength`, one value of 0 to 255 a pixel.
data::Image coloured(data::Image face, const std::vector<std::uint8_t>& strength) {
  for (std::size_t pixel = 0; pixel < strength.size(); ++pixel) {
    const float value = static_cast<float>(strength[pixel]) / 255, opaque = kMostOpaque * value;
    for (std::size_t c = 0; c < 3; ++c) {
      const float colour = kRed[c] + value * (kYellow[c] - kRed[c]);
      std::uint8_t& out = face.pixels[3 * pixel + c];
      out = static_cast<std::uint8_t>(std::lround((1 - opaque) * static_cast<float>(out) + opaque * colour));
    }
  }
  return face;
}

data::Image enlarged(const data::Image& face, int least_width) {
  const int zoom = (least_width + face.width - 1) / face.width;
  data::Image large = data::blank(face.width * zoom, face.height * zoom, 3);
  data::paste(data::to_channels(face, 3), zoom, 0, 0, large);
  return large;
}

}  // namespace

data::Image overlay(const data::Image& face, const std::vector<AttentionMap>& maps, int least_width) {
  const data::Image large = enlarged(face, least_width);
  data::Image all = data::blank(large.width * (1 + static_cast<int>(maps.size())), large.height, 3);
  data::paste(large, 1, 0, 0, all);
  int x = large.width;
  for (const AttentionMap& map : maps) {
    const data::Image strength = data::resize(as_image(map), large.width);
    data::paste(coloured(large, strength.pixels), 1, x, 0, all);
    x += large.width;
  }
  return all;
}

}  // namespace penumbra::trainer
