#include "data/render/rows.h"

#include <cstring>

// One version for each generation of processors, chosen when the program is loaded. Sanitizers cannot look into that.
#if defined(__x86_64__) && !defined(__clang__) && __GNUC__ >= 12 && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define PENUMBRA_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PENUMBRA_CLONES
#endif

namespace penumbra::data {

PENUMBRA_CLONES void find_taps(const ViewJob& job, int y, RowTaps& taps) {
  const PixelMap map = job.map;
  const int size = job.stored_size, count = job.view_size;
  std::int32_t* const __restrict corner = taps.corner.data();
  float* const __restrict right = taps.right.data(), * const __restrict lower = taps.lower.data();
  const std::int64_t x_begin = map.xy * y + map.x0, y_begin = map.yy * y + map.y0;
  for (int x = 0; x < count; ++x) {
    const std::int64_t sx = x_begin + map.xx * x, sy = y_begin + map.yx * x;
    corner[x] = neighbour(sy, size) * padded(size) + neighbour(sx, size);
    right[x] = fraction(sx);
    lower[x] = fraction(sy);
  }
}

namespace {

template <int kChannels>
[[gnu::always_inline]] inline void widen(const std::uint8_t* __restrict source, const std::uint8_t* __restrict partner,
                                         float lambda, float* __restrict out, int count) {
  if (partner == nullptr) {
    for (int i = 0; i < count; ++i) out[i] = static_cast<float>(source[i * kChannels]);
  } else {
    for (int i = 0; i < count; ++i) out[i] = mixed(source[i * kChannels], partner[i * kChannels], lambda);
  }
}

}  // namespace

PENUMBRA_CLONES void widen_row(const std::uint8_t* source, const std::uint8_t* partner, float lambda, int channels,
                               float* out, int count) {
  channels == 1 ? widen<1>(source, partner, lambda, out, count) : widen<3>(source, partner, lambda, out, count);
}

PENUMBRA_CLONES void warp_row(const ViewJob& job, const float* plane, const RowTaps& taps, float* pairs,
                              float* __restrict out) {
  const int count = job.view_size, stride = padded(job.stored_size);
  const float contrast = job.contrast, offset = job.offset;
  const std::int32_t* const corners = taps.corner.data();
  float* const __restrict above = pairs, * const __restrict below = pairs + 2 * count;
  // Apart from the arithmetic: the places differ, and gathering with vector instructions is no faster than this.
  for (int x = 0; x < count; ++x) {
    const float* corner = plane + corners[x];
    std::memcpy(above + 2 * x, corner, 2 * sizeof(float));
    std::memcpy(below + 2 * x, corner + stride, 2 * sizeof(float));
  }
  const float* const __restrict right = taps.right.data(), * const __restrict lower = taps.lower.data();
  for (int x = 0; x < count; ++x) {
    const float upper_value = lerp(above[2 * x], above[2 * x + 1], right[x]);
    const float lower_value = lerp(below[2 * x], below[2 * x + 1], right[x]);
    out[x] = contrast * lerp(upper_value, lower_value, lower[x]) + offset;
  }
}

PENUMBRA_CLONES void stretch_row(const float* row, const RowTaps& taps, float* pairs, float* __restrict out) {
  const int count = static_cast<int>(taps.corner.size());
  const std::int32_t* const corners = taps.corner.data();
  for (int x = 0; x < count; ++x) std::memcpy(pairs + 2 * x, row + corners[x], 2 * sizeof(float));
  const float* const __restrict neighbours = pairs, * const __restrict right = taps.right.data();
  for (int x = 0; x < count; ++x) out[x] = lerp(neighbours[2 * x], neighbours[2 * x + 1], right[x]);
}

PENUMBRA_CLONES void blend_rows(const ViewJob& job, const float* __restrict upper, const float* __restrict lower,
                                float weight, float* __restrict out) {
  const float contrast = job.contrast, offset = job.offset;
  for (int x = 0; x < job.view_size; ++x) out[x] = contrast * lerp(upper[x], lower[x], weight) + offset;
}

PENUMBRA_CLONES void saturate_row(float saturation, float* __restrict r, float* __restrict g, float* __restrict b,
                                  int count) {
  for (int x = 0; x < count; ++x) {
    const float grey = luma(r[x], g[x], b[x]);
    r[x] = grey + saturation * (r[x] - grey);
    g[x] = grey + saturation * (g[x] - grey);
    b[x] = grey + saturation * (b[x] - grey);
  }
}

PENUMBRA_CLONES void to_bytes_row(const float* __restrict values, int channels, std::uint8_t* __restrict out,
                                  int count) {
  if (channels == 1) {
    for (int x = 0; x < count; ++x) out[x] = to_byte(values[x]);
  } else {
    for (int x = 0; x < count; ++x) {
      out[3 * x] = to_byte(values[x]);
      out[3 * x + 1] = to_byte(values[count + x]);
      out[3 * x + 2] = to_byte(values[2 * count + x]);
    }
  }
}

PENUMBRA_CLONES void normalise_run(const std::uint8_t* __restrict bytes, float mean, float deviation,
                                   float* __restrict out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = normalised(bytes[i], mean, deviation);
}

}  // namespace penumbra::data
