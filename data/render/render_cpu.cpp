#include "data/render/render_cpu.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/error.h"
#include "data/plan/philox.h"
#include "data/render/rows.h"

namespace penumbra::data {
namespace {

// Bound of stored coordinates, so that fixed-point sums stay far inside 64 bits.
constexpr double kFarthest = 1 << 24;

[[noreturn]] void refuse(const Recipe& recipe, const std::string& what) {
  throw DataError("recipe of row " + std::to_string(recipe.source) + ": " + what);
}

bool lies_in(const Rectangle& r, int size) {
  return r.empty() || (r.x0 >= 0 && r.y0 >= 0 && r.x1 <= size && r.y1 <= size);
}

void check(const StoredPair& images, const Recipe& recipe, int view_size) {
  const int channels = images.channels, size = images.size;
  if ((channels != 1 && channels != 3) || size < 1 || view_size < 1) {
    refuse(recipe, "cannot render " + std::to_string(channels) + " channels of side " + std::to_string(size) +
                       " to side " + std::to_string(view_size));
  }
  if (recipe.mix > Mix::cutmix) refuse(recipe, "unknown kind of mix");
  if (!lies_in(recipe.box, size))
    refuse(recipe, "the cutmix box leaves the stored image of side " + std::to_string(size));
  if (!lies_in(recipe.erase, view_size)) {
    refuse(recipe, "the erased rectangle leaves the view of side " + std::to_string(view_size));
  }
}

std::int64_t to_fixed(double pixels) { return std::llround(pixels * 0x1p32); }

/// theta, from normalised coordinates to pixel indices of both images.
PixelMap pixel_map(const Recipe& recipe, int stored_size, int view_size) {
  const double stored = stored_size, step = stored / view_size;
  const auto& m = recipe.theta.m;
  // x_stored = (S (m0 ((2 x + 1) / V - 1) + m1 (...) + m2 + 1) - 1) / 2, sorted so that identity and flip stay exact.
  const auto origin = [&](double a, double b, double c) { return (stored * (c + 1 - a - b) + step * (a + b) - 1) / 2; };
  const double values[6] = {m[0] * step, m[1] * step, origin(m[0], m[1], m[2]),
                            m[3] * step, m[4] * step, origin(m[3], m[4], m[5])};
  double farthest = 0;
  for (int i = 0; i < 6; ++i) farthest += std::abs(values[i]) * (i % 3 == 2 ? 1 : view_size);
  if (!(farthest < kFarthest)) refuse(recipe, "its map leads far outside of the stored image");
  return {to_fixed(values[0]), to_fixed(values[1]), to_fixed(values[2]),
          to_fixed(values[3]), to_fixed(values[4]), to_fixed(values[5])};
}

ViewJob make_job(const StoredPair& images, const Recipe& recipe, int view_size) {
  ViewJob job{};
  job.map = pixel_map(recipe, images.size, view_size);
  job.stored_size = images.size;
  job.view_size = view_size;
  job.contrast = recipe.contrast;
  job.offset = static_cast<float>(127.5 * (1 - static_cast<double>(recipe.contrast)) + 255.0 * recipe.brightness);
  job.saturation = recipe.grey ? 0 : recipe.saturation;
  const auto key = stream_key(recipe.seed, Purpose::erase_bytes);
  job.erase_key = {{key[0], key[1]}};
  job.erase_epoch = recipe.erase_epoch;
  job.source = static_cast<std::uint32_t>(recipe.source);
  job.occurrence = recipe.occurrence;
  return job;
}

/// One channel of the stored image after mixing, padded. Mixed once, not once a tap: every stored value is a tap of
/// about four view pixels.
void fill_plane(const StoredPair& images, const Recipe& recipe, int channel, float* plane) {
  const int size = images.size, channels = images.channels, stride = padded(size);
  const std::uint8_t *source = images.source + channel, *partner = images.partner + channel;
  for (int y = 0; y < size; ++y, source += size * channels, partner += size * channels) {
    float* const row = plane + (y + 1) * stride + 1;
    widen_row(source, recipe.mix == Mix::mixup ? partner : nullptr, recipe.lambda, channels, row, size);
    const Rectangle& box = recipe.box;
    if (recipe.mix == Mix::cutmix && !box.empty() && y >= box.y0 && y < box.y1)
      widen_row(partner + box.x0 * channels, nullptr, 1, channels, row + box.x0, box.x1 - box.x0);
    row[-1] = row[0];
    row[size] = row[size - 1];
  }
  std::copy_n(plane + stride, stride, plane);
  std::copy_n(plane + size * stride, stride, plane + (size + 1) * stride);
}

void erase_row(const ViewJob& job, const Rectangle& erase, int channels, int y, std::uint8_t* out) {
  if (erase.empty() || y < erase.y0 || y >= erase.y1) return;
  const auto row = static_cast<std::uint32_t>(y * job.view_size * channels);
  const auto begin = static_cast<std::uint32_t>(erase.x0 * channels);
  const auto end = static_cast<std::uint32_t>(erase.x1 * channels);
  PhiloxBlock block{};
  for (std::uint32_t i = begin; i < end; ++i) {
    const std::uint32_t index = row + i;
    if (i == begin || index % 16 == 0) block = erase_block(job, index / 16);
    out[i] = erase_byte(block, index);
  }
}

}  // namespace

/// Memory that one view after the other is made in.
struct ViewRenderer::Scratch {
  std::vector<float> planes;  ///< [channels, stored size + 2, stored size + 2]
  RowTaps taps{0};
  std::vector<float> pairs, values;  ///< of a row: neighbours; [channels, view size]
  std::vector<std::uint8_t> bytes;   ///< of the view
  std::vector<float> stretched;      ///< [2, channels, view size]: even and odd rows of the planes
  std::array<int, 2> stretched_of;   ///< which rows those are; -1: none yet

  void fit(const StoredPair& images, int view_size) {
    const auto side = static_cast<std::size_t>(padded(images.size)), view = static_cast<std::size_t>(view_size);
    const auto channels = static_cast<std::size_t>(images.channels);
    planes.resize(channels * side * side);
    pairs.resize(4 * view);
    values.resize(channels * view);
    stretched.resize(2 * channels * view);
    if (taps.corner.size() != view) taps = RowTaps(view_size);
  }
};

namespace {

/// Warps one view, row by row, from the planes in its scratch.
class Warp {
 public:
  Warp(const ViewJob& job, int channels, ViewRenderer::Scratch& scratch)
      : job_(job), channels_(channels), upright_(job.map.xy == 0 && job.map.yx == 0), scratch_(scratch) {
    if (!upright_) return;
    ViewJob first_row = job;
    first_row.map.y0 = kAbove;
    find_taps(first_row, 0, scratch_.taps);
    scratch_.stretched_of = {-1, -1};
  }

  /// [channels, view size]
  float* row(int y) {
    if (!upright_) find_taps(job_, y, scratch_.taps);
    const std::int64_t height = job_.map.yy * y + job_.map.y0;
    const int upper = neighbour(height, job_.stored_size);
    for (int c = 0; c < channels_; ++c) {
      float* const out = scratch_.values.data() + c * job_.view_size;
      if (upright_) {
        blend_rows(job_, stretched(upper, c), stretched(upper + 1, c), fraction(height), out);
      } else {
        warp_row(job_, plane(c), scratch_.taps, scratch_.pairs.data(), out);
      }
    }
    return scratch_.values.data();
  }

 private:
  static constexpr std::int64_t kAbove = -(std::int64_t{2} << 32);  ///< a height whose upper neighbour is row 0

  const float* plane(int c) const {
    const int side = padded(job_.stored_size);
    return scratch_.planes.data() + c * side * side;
  }

  /// A row of all planes between its horizontal neighbours, which the next row of the view mostly needs again.
  const float* stretched(int row, int c) {
    const auto slot = static_cast<std::size_t>(row % 2);
    float* const rows = scratch_.stretched.data() + static_cast<std::ptrdiff_t>(slot) * channels_ * job_.view_size;
    if (scratch_.stretched_of[slot] != row) {
      for (int k = 0; k < channels_; ++k) {
        stretch_row(plane(k) + row * padded(job_.stored_size), scratch_.taps, scratch_.pairs.data(),
                    rows + k * job_.view_size);
      }
      scratch_.stretched_of[slot] = row;
    }
    return rows + c * job_.view_size;
  }

  const ViewJob& job_;
  const int channels_;
  const bool upright_;
  ViewRenderer::Scratch& scratch_;
};

void render(const StoredPair& images, const Recipe& recipe, int view_size, ViewRenderer::Scratch& scratch,
            std::uint8_t* out) {
  scratch.fit(images, view_size);
  const ViewJob job = make_job(images, recipe, view_size);
  const int channels = images.channels, side = padded(images.size);
  for (int c = 0; c < channels; ++c) fill_plane(images, recipe, c, scratch.planes.data() + c * side * side);
  Warp warp(job, channels, scratch);
  for (int y = 0; y < view_size; ++y, out += view_size * channels) {
    float* const values = warp.row(y);
    if (channels == 3) saturate_row(job.saturation, values, values + view_size, values + 2 * view_size, view_size);
    to_bytes_row(values, channels, out, view_size);
    erase_row(job, recipe.erase, channels, y, out);
  }
}

/// The checks that every rendering begins with.
void check_room(const StoredPair& images, const Recipe& recipe, int view_size, std::size_t room) {
  check(images, recipe, view_size);
  const std::size_t needed = static_cast<std::size_t>(view_size) * view_size * images.channels;
  if (room == needed) return;
  throw std::invalid_argument("a view of " + std::to_string(needed) + " values does not fit " + std::to_string(room));
}

}  // namespace

StoredPair stored_pair(const SampleSet& set, std::int64_t source, std::int64_t partner) {
  const auto rows = static_cast<std::int64_t>(set.pixels.size() / set.image_bytes());
  for (const std::int64_t row : {source, partner}) {
    if (row >= 0 && row < rows) continue;
    throw DataError("there is no image of row " + std::to_string(row) + " in a set of " + std::to_string(rows));
  }
  return {set.info.image_size, set.info.channels, set.image(source).data(), set.image(partner).data()};
}

ViewRenderer::ViewRenderer(Normalisation norm) : norm_(norm), scratch_(std::make_unique<Scratch>()) {}
ViewRenderer::~ViewRenderer() = default;

void ViewRenderer::render_bytes(const StoredPair& images, const Recipe& recipe, int view_size,
                                std::span<std::uint8_t> out) {
  check_room(images, recipe, view_size, out.size());
  render(images, recipe, view_size, *scratch_, out.data());
}

void ViewRenderer::render_view(const StoredPair& images, const Recipe& recipe, int view_size, std::span<float> out) {
  check_room(images, recipe, view_size, out.size());
  scratch_->bytes.resize(out.size());
  render(images, recipe, view_size, *scratch_, scratch_->bytes.data());
  normalise_run(scratch_->bytes.data(), norm_.mean, norm_.deviation, out.data(), out.size());
}

void render_bytes(const StoredPair& images, const Recipe& recipe, int view_size, std::span<std::uint8_t> out) {
  ViewRenderer({}).render_bytes(images, recipe, view_size, out);
}

void render_view(const StoredPair& images, const Recipe& recipe, int view_size, Normalisation norm,
                 std::span<float> out) {
  ViewRenderer(norm).render_view(images, recipe, view_size, out);
}

void normalise(std::span<const std::uint8_t> bytes, Normalisation norm, std::span<float> out) {
  if (bytes.size() != out.size()) {
    throw std::invalid_argument("normalise: " + std::to_string(bytes.size()) + " bytes do not fit " +
                                std::to_string(out.size()) + " values");
  }
  normalise_run(bytes.data(), norm.mean, norm.deviation, out.data(), bytes.size());
}

}  // namespace penumbra::data
