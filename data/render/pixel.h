#pragma once

#include <cstdint>

#include "data/plan/philox_block.h"

/// The arithmetic of one pixel of a view (method.md, section 1), for the host and for nvcc. Its translation units are
/// built without contraction into fused multiply-adds (-ffp-contract=off, nvcc --fmad=false): the bits of a view must
/// not depend on who renders it.
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

/// The four neighbours of a point and the weights of the right and the lower ones.
struct Taps {
  int left, right, top, bottom;
  float fx, fy;
};

PENUMBRA_HD inline int clamped(std::int64_t pixel, int size) {
  return pixel < 0 ? 0 : pixel >= size ? size - 1 : static_cast<int>(pixel);
}

/// The fraction of a 2^-32 fixed-point number, cut to the 24 bits that a float holds.
PENUMBRA_HD inline float fraction(std::int64_t fixed) {
  return static_cast<float>(static_cast<std::int32_t>(static_cast<std::uint32_t>(fixed) >> 8)) * 0x1p-24f;
}

PENUMBRA_HD inline Taps taps_of(const ViewJob& job, int x, int y) {
  const std::int64_t sx = job.map.xx * x + job.map.xy * y + job.map.x0;
  const std::int64_t sy = job.map.yx * x + job.map.yy * y + job.map.y0;
  return {clamped(sx >> 32, job.stored_size),
          clamped((sx >> 32) + 1, job.stored_size),
          clamped(sy >> 32, job.stored_size),
          clamped((sy >> 32) + 1, job.stored_size),
          fraction(sx),
          fraction(sy)};
}

PENUMBRA_HD inline float mixed(std::uint8_t source, std::uint8_t partner, float lambda) {
  return lambda * static_cast<float>(source) + (1 - lambda) * static_cast<float>(partner);
}

PENUMBRA_HD inline float lerp(float a, float b, float weight) { return a + weight * (b - a); }

/// Clamps and rounds, half to even: adding 1.5 * 2^23 leaves no bits for a fraction. NaN becomes 0.
PENUMBRA_HD inline std::uint8_t to_byte(float value) {
  const float inside = value > 0 ? (value < 255 ? value : 255.0f) : 0.0f;
  return static_cast<std::uint8_t>(static_cast<int>((inside + 12582912.0f) - 12582912.0f));
}

/// One view pixel before erasing. `stored(index)` is the mixed value at (row * stored_size + column) * kChannels +
/// channel of the stored image.
template <int kChannels, typename Stored>
PENUMBRA_HD inline void view_pixel(const ViewJob& job, const Stored& stored, int x, int y, std::uint8_t* out) {
  const Taps taps = taps_of(job, x, y);
  const int top = taps.top * job.stored_size, bottom = taps.bottom * job.stored_size;
  float value[kChannels];
  for (int c = 0; c < kChannels; ++c) {
    const float above =
        lerp(stored((top + taps.left) * kChannels + c), stored((top + taps.right) * kChannels + c), taps.fx);
    const float below =
        lerp(stored((bottom + taps.left) * kChannels + c), stored((bottom + taps.right) * kChannels + c), taps.fx);
    value[c] = job.contrast * lerp(above, below, taps.fy) + job.offset;
  }
  if constexpr (kChannels == 3) {
    const float luma = 0.299f * value[0] + 0.587f * value[1] + 0.114f * value[2];
    for (float& v : value) v = luma + job.saturation * (v - luma);
  }
  for (int c = 0; c < kChannels; ++c) out[c] = to_byte(value[c]);
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
