#pragma once

#include <cstdint>

#include "data/plan/philox_block.h"

/// The arithmetic of one pixel of a view (method.md, section 1), for the host and for nvcc. Its translation units are
/// built without contraction into fused multiply-adds (-ffp-contract=off, nvcc --fmad=false): the bits of a view must
/// not depend on who renders it, nor on how many pixels at once.
namespace penumbra::data {

/// View pixel -> stored pixel, in 2^-32 of a stored pixel. Integers, because x * step is then the same bits as repeated
/// addition, and 2^-32 is far below what a float coordinate resolves.
struct PixelMap {
  std::int64_t xx, xy, x0;  ///< stored x = xx * view x + xy * view y + x0
  std::int64_t yx, yy, y0;
};

/// Everything that the pixels of one view share.
struct ViewJob {
  PixelMap map;
  int stored_size, view_size;
  float contrast;  ///< v -> contrast * v + offset, which is contrast about 127.5, then brightness
  float offset;
  float saturation;  ///< 0 when the view is grey
  PhiloxKey erase_key;
  std::uint32_t erase_epoch, source, occurrence;
};

/// A stored image is padded by a border that repeats its edge, so that a point has four neighbours wherever it lies.
PENUMBRA_HD inline int padded(int size) { return size + 2; }

/// Column or row, in the padded image, of the left or the upper neighbour of a coordinate in 2^-32 pixels. Coordinates
/// fit 24 bits and a fraction.
PENUMBRA_HD inline int neighbour(std::int64_t fixed, int size) {
  const int pixel = static_cast<int>(fixed >> 32);
  return (pixel < -1 ? -1 : pixel >= size ? size - 1 : pixel) + 1;
}

/// The fraction of a 2^-32 fixed-point number, cut to the 24 bits that a float holds: the right or lower one's weight.
PENUMBRA_HD inline float fraction(std::int64_t fixed) {
  return static_cast<float>(static_cast<std::int32_t>(static_cast<std::uint32_t>(fixed) >> 8)) * 0x1p-24f;
}

PENUMBRA_HD inline float mixed(std::uint8_t source, std::uint8_t partner, float lambda) {
  return lambda * static_cast<float>(source) + (1 - lambda) * static_cast<float>(partner);
}

PENUMBRA_HD inline float lerp(float a, float b, float weight) { return a + weight * (b - a); }

/// Of an RGB pixel.
PENUMBRA_HD inline float luma(float r, float g, float b) { return 0.299f * r + 0.587f * g + 0.114f * b; }

/// Clamps and rounds, half to even: adding 1.5 * 2^23 leaves no bits for a fraction. NaN becomes 0.
PENUMBRA_HD inline std::uint8_t to_byte(float value) {
  const float inside = value > 0 ? (value < 255 ? value : 255.0f) : 0.0f;
  return static_cast<std::uint8_t>(static_cast<int>((inside + 12582912.0f) - 12582912.0f));
}

/// Sixteen erasing bytes: those of the view's values (y * view_size + x) * channels + c in [16 block, 16 block + 16).
PENUMBRA_HD inline PhiloxBlock erase_block(const ViewJob& job, std::uint32_t block) {
  return philox_block({{block, job.erase_epoch, job.source, job.occurrence}}, job.erase_key);
}

/// The byte of value `index` out of its block.
PENUMBRA_HD inline std::uint8_t erase_byte(const PhiloxBlock& block, std::uint32_t index) {
  return static_cast<std::uint8_t>(block.word[index / 4 % 4] >> (8 * (index % 4)));
}

PENUMBRA_HD inline float normalised(std::uint8_t byte, float mean, float deviation) {
  return (static_cast<float>(byte) / 255.0f - mean) / deviation;
}

}  // namespace penumbra::data
