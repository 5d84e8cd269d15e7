#include "data/store/sample_set.h"

#include <algorithm>

#include "data/store/hash.h"

namespace penumbra::data {
namespace {

/// Images in files go through memory in runs.
void add_pixels(const Images& images, Hash& hash) {
  if (images.resident()) return hash.add(images.bytes());
  constexpr std::int64_t kRunBytes = std::int64_t{8} << 20;
  const auto row_bytes = images.row_bytes();
  const auto rows = static_cast<std::int64_t>(images.size() / row_bytes);
  const std::int64_t run = std::max<std::int64_t>(1, kRunBytes / static_cast<std::int64_t>(row_bytes));
  std::vector<std::uint8_t> bytes;
  for (std::int64_t begin = 0; begin < rows; begin += run) {
    const std::int64_t count = std::min(run, rows - begin);
    bytes.resize(static_cast<std::size_t>(count) * row_bytes);
    images.read(begin, count, row_bytes, bytes.data());
    hash.add(std::span<const std::uint8_t>(bytes));
  }
}

}  // namespace

Image image_of_row(const SampleSet& set, std::int64_t row) {
  const int size = set.info.image_size;
  Image image{size, size, set.info.channels, std::vector<std::uint8_t>(set.image_bytes())};
  set.pixels.read(row, 1, set.image_bytes(), image.pixels.data());
  return image;
}

std::uint64_t fingerprint(const SampleSet& set) {
  Hash hash;
  for (const auto& name : set.info.classes) hash.add(std::span<const char>(name.c_str(), name.size() + 1));
  add_pixels(set.pixels, hash);
  hash.add(std::span<const std::int32_t>(set.labels));
  hash.add(std::span<const float>(set.votes));
  hash.add(std::span<const std::int32_t>(set.clean_labels));
  return hash.digest();
}

std::uint64_t fingerprint(const Images& images) {
  Hash hash;
  add_pixels(images, hash);
  return hash.digest();
}

std::uint64_t label_fingerprint(std::span<const std::int32_t> labels) {
  Hash hash;
  hash.add(labels);
  return hash.digest();
}

}  // namespace penumbra::data
