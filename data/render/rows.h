#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/render/pixel.h"

/// The renderer's inner loops, over rows and as many pixels at once as the processor has lanes for.
namespace penumbra::data {

/// Where the taps of a row of a view lie, and their weights.
struct RowTaps {
  explicit RowTaps(int view_size)
      : corner(static_cast<std::size_t>(view_size)), right(corner.size()), lower(corner.size()) {}
  std::vector<std::int32_t> corner;  ///< index of the upper left one in a padded plane
  std::vector<float> right, lower;   ///< weights
};
void find_taps(const ViewJob& job, int y, RowTaps& taps);

/// One channel of a row of the stored image, `count` pixels, as floats; mixed where a partner is given (otherwise
/// null). `source` and `partner` point at the channel of the first pixel.
void widen_row(const std::uint8_t* source, const std::uint8_t* partner, float lambda, int channels, float* out,
               int count);

/// One channel of a row of the view, with contrast and brightness. `plane` is the padded one, `pairs` holds
/// 4 * view_size floats.
void warp_row(const ViewJob& job, const float* plane, const RowTaps& taps, float* pairs, float* out);

/// warp_row() of a map without rotation, whose taps are the same in each row of the view: a row of the plane between
/// its horizontal neighbours - `taps` are those in the plane's first row -, and two such rows into one of the view.
void stretch_row(const float* row, const RowTaps& taps, float* pairs, float* out);
void blend_rows(const ViewJob& job, const float* upper, const float* lower, float weight, float* out);

/// Of RGB, in place.
void saturate_row(float saturation, float* r, float* g, float* b, int count);

/// `count` pixels whose channels lie one after the other, `count` values each, to interleaved bytes.
void to_bytes_row(const float* values, int channels, std::uint8_t* out, int count);

void normalise_run(const std::uint8_t* bytes, float mean, float deviation, float* out, std::size_t count);

}  // namespace penumbra::data
