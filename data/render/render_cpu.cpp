#include "data/render/render_cpu.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/error.h"
#include "data/plan/philox.h"
#include "data/render/pixel.h"

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

/// Copies the partner's pixels of the cutmix box.
void paste_box(const StoredPair& images, const Rectangle& box, float* image) {
  const int side = images.size, channels = images.channels;
  for (int y = box.y0; y < box.y1; ++y) {
    for (int i = (y * side + box.x0) * channels; i < (y * side + box.x1) * channels; ++i) {
      image[i] = static_cast<float>(images.partner[i]);
    }
  }
}

/// The stored image after mixing. Mixed once, not once a tap: every stored value is a tap of about four view pixels.
std::unique_ptr<float[]> mixed_image(const StoredPair& images, const Recipe& recipe) {
  const auto count = static_cast<std::size_t>(images.size) * images.size * images.channels;
  auto image = std::make_unique_for_overwrite<float[]>(count);
  if (recipe.mix == Mix::mixup) {
    for (std::size_t i = 0; i < count; ++i) image[i] = mixed(images.source[i], images.partner[i], recipe.lambda);
  } else {
    for (std::size_t i = 0; i < count; ++i) image[i] = static_cast<float>(images.source[i]);
    if (recipe.mix == Mix::cutmix) paste_box(images, recipe.box, image.get());
  }
  return image;
}

// `job` by value: `out` could alias a reference to it, and every byte written would force it to be read again.
template <int kChannels>
void warp_row(ViewJob job, const float* image, int y, std::uint8_t* out) {
  const auto stored = [image](int index) { return image[index]; };
  for (int x = 0; x < job.view_size; ++x) view_pixel<kChannels>(job, stored, x, y, out + x * kChannels);
}

template <int kChannels>
void erase_row(const ViewJob& job, const Rectangle& erase, int y, std::uint8_t* out) {
  if (erase.empty() || y < erase.y0 || y >= erase.y1) return;
  const auto row = static_cast<std::uint32_t>(y * job.view_size * kChannels);
  const auto begin = static_cast<std::uint32_t>(erase.x0 * kChannels);
  const auto end = static_cast<std::uint32_t>(erase.x1 * kChannels);
  PhiloxBlock block{};
  for (std::uint32_t i = begin; i < end; ++i) {
    const std::uint32_t index = row + i;
    if (i == begin || index % 16 == 0) block = erase_block(job, index / 16);
    out[i] = erase_byte(block, index);
  }
}

/// Renders row after row to where `target(y)` points, and then calls `done(y)`.
template <int kChannels, typename Target, typename Done>
void launch(const ViewJob& job, const float* image, const Rectangle& erase, const Target& target, const Done& done) {
  for (int y = 0; y < job.view_size; ++y) {
    std::uint8_t* const row = target(y);
    warp_row<kChannels>(job, image, y, row);
    erase_row<kChannels>(job, erase, y, row);
    done(y);
  }
}

template <typename Target, typename Done>
void render(const StoredPair& images, const Recipe& recipe, int view_size, const Target& target, const Done& done) {
  const ViewJob job = make_job(images, recipe, view_size);
  const auto image = mixed_image(images, recipe);
  images.channels == 1 ? launch<1>(job, image.get(), recipe.erase, target, done)
                       : launch<3>(job, image.get(), recipe.erase, target, done);
}

/// Values of a row of the view, after the checks that every rendering begins with.
std::size_t checked_row(const StoredPair& images, const Recipe& recipe, int view_size, std::size_t room) {
  check(images, recipe, view_size);
  const std::size_t needed = static_cast<std::size_t>(view_size) * view_size * images.channels;
  if (room != needed) {
    throw std::invalid_argument("a view of " + std::to_string(needed) + " values does not fit " + std::to_string(room));
  }
  return static_cast<std::size_t>(view_size) * images.channels;
}

void normalise_run(const std::uint8_t* bytes, Normalisation norm, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = normalised(bytes[i], norm.mean, norm.deviation);
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

void render_bytes(const StoredPair& images, const Recipe& recipe, int view_size, std::span<std::uint8_t> out) {
  const std::size_t row = checked_row(images, recipe, view_size, out.size());
  render(
      images, recipe, view_size, [&](int y) { return out.data() + y * row; }, [](int) {});
}

void render_view(const StoredPair& images, const Recipe& recipe, int view_size, Normalisation norm,
                 std::span<float> out) {
  const std::size_t row = checked_row(images, recipe, view_size, out.size());
  std::vector<std::uint8_t> bytes(row);
  render(
      images, recipe, view_size, [&](int) { return bytes.data(); },
      [&](int y) { normalise_run(bytes.data(), norm, out.data() + y * row, row); });
}

void normalise(std::span<const std::uint8_t> bytes, Normalisation norm, std::span<float> out) {
  if (bytes.size() != out.size()) {
    throw std::invalid_argument("normalise: " + std::to_string(bytes.size()) + " bytes do not fit " +
                                std::to_string(out.size()) + " values");
  }
  normalise_run(bytes.data(), norm, out.data(), bytes.size());
}

}  // namespace penumbra::data
