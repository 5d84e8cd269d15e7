#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "data/import/image_file.h"

namespace penumbra::data {
namespace {

/// What one pixel of the result takes along an axis: weights of the pixels from `first` on; they sum to 1.
struct Taps {
  int first = 0;
  std::vector<double> weights;
};

Taps area_taps(int to, int from_size, double scale) {
  const double begin = to * scale, end = std::min<double>(from_size, begin + scale);
  Taps taps{static_cast<int>(begin), {}};
  for (int at = taps.first; at < from_size && at < end; ++at)
    taps.weights.push_back((std::min(end, at + 1.0) - std::max<double>(begin, at)) / (end - begin));
  return taps;
}

Taps linear_taps(int to, int from_size, double scale) {
  const double centre = std::clamp((to + 0.5) * scale - 0.5, 0.0, from_size - 1.0);
  const int first = static_cast<int>(centre);
  if (first + 1 == from_size) return {first, {1.0}};
  return {first, {1 - (centre - first), centre - first}};
}

std::vector<Taps> axis_taps(int from_size, int to_size) {
  const double scale = static_cast<double>(from_size) / to_size;
  std::vector<Taps> taps;
  for (int to = 0; to < to_size; ++to)
    taps.push_back(scale > 1 ? area_taps(to, from_size, scale) : linear_taps(to, from_size, scale));
  return taps;
}

}  // namespace

Image to_channels(const Image& image, int channels) {
  if (channels != 1 && channels != 3) throw std::invalid_argument("to_channels: channels must be 1 or 3");
  if (channels == image.channels) return image;
  Image result{image.width, image.height, channels, {}};
  if (channels == 3) {
    result.pixels.reserve(image.pixels.size() * 3);
    for (const std::uint8_t value : image.pixels) result.pixels.insert(result.pixels.end(), 3, value);
  } else {
    result.pixels.reserve(image.pixels.size() / 3);
    for (std::size_t at = 0; at < image.pixels.size(); at += 3) {
      const int luma = 299 * image.pixels[at] + 587 * image.pixels[at + 1] + 114 * image.pixels[at + 2];
      result.pixels.push_back(static_cast<std::uint8_t>((luma + 500) / 1000));
    }
  }
  return result;
}

Image resize(const Image& image, int size) {
  if (size < 1) throw std::invalid_argument("resize: size must be at least 1");
  if (image.width == size && image.height == size) return image;
  const std::vector<Taps> columns = axis_taps(image.width, size), rows = axis_taps(image.height, size);
  const auto channels = static_cast<std::size_t>(image.channels), side = static_cast<std::size_t>(size);
  std::vector<float> narrow(static_cast<std::size_t>(image.height) * side * channels);
  auto out = narrow.begin();
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y) {
    for (const Taps& taps : columns) {
      const std::size_t from =
          (y * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(taps.first)) * channels;
      for (std::size_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (std::size_t k = 0; k < taps.weights.size(); ++k)
          sum += taps.weights[k] * image.pixels[from + k * channels + c];
        *out++ = static_cast<float>(sum);
      }
    }
  }
  Image result{size, size, image.channels, {}};
  result.pixels.reserve(side * side * channels);
  for (const Taps& taps : rows) {
    for (std::size_t x = 0; x < side * channels; ++x) {
      double sum = 0;
      for (std::size_t k = 0; k < taps.weights.size(); ++k)
        sum += taps.weights[k] * narrow[(static_cast<std::size_t>(taps.first) + k) * side * channels + x];
      result.pixels.push_back(static_cast<std::uint8_t>(std::lround(std::clamp(sum, 0.0, 255.0))));
    }
  }
  return result;
}

}  // namespace penumbra::data
