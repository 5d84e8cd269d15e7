#include "data/store/jpeg_rows.h"

#include <algorithm>
#include <utility>

#include "data/parallel.h"
#include "data/store/jpeg.h"

namespace penumbra::data {
namespace {

constexpr std::int64_t kRun = 64;  // images that a thread decodes before it asks for more

std::vector<JpegRows::Place> places_of(const std::vector<std::vector<std::uint8_t>>& images) {
  std::vector<JpegRows::Place> places;
  for (const auto& image : images) places.push_back({places.size(), image.size()});
  return places;
}

}  // namespace

JpegRows::JpegRows(std::shared_ptr<const Held> held, std::shared_ptr<const OpenFile> file, std::vector<Place> places,
                   ImageKind kind)
    : RowFile(places.size(), kind.bytes()),
      held_(std::move(held)),
      file_(std::move(file)),
      places_(std::move(places)),
      kind_(kind) {}

JpegRows::JpegRows(const std::shared_ptr<const Held>& images, ImageKind kind)
    : JpegRows(images, nullptr, places_of(*images), kind) {}

JpegRows::JpegRows(std::shared_ptr<const OpenFile> file, std::vector<Place> places, ImageKind kind)
    : JpegRows(nullptr, std::move(file), std::move(places), kind) {}

void JpegRows::read(std::uint64_t first, std::span<std::uint8_t* const> targets) const {
  for_runs(static_cast<std::int64_t>(targets.size()), kRun, /*threads=*/0, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint64_t row = first + static_cast<std::uint64_t>(i);
      const std::string name = (file_ ? file_->path().string() + ": " : std::string()) + "image " + std::to_string(row);
      decode_jpeg(jpeg(row), kind_.side, kind_.channels, name, targets[static_cast<std::size_t>(i)]);
    }
  });
}

std::shared_ptr<const RowFile> JpegRows::selected(std::span<const std::uint64_t> some) const {
  std::vector<Place> places;
  for (const std::uint64_t row : some) places.push_back(places_.at(row));
  return std::shared_ptr<const RowFile>(new JpegRows(held_, file_, std::move(places), kind_));
}

std::vector<std::uint8_t> JpegRows::jpeg(std::uint64_t row) const {
  const Place& place = places_.at(row);
  if (held_) return held_->at(place.offset);
  std::vector<std::uint8_t> bytes(place.bytes);
  file_->read(place.offset, {{bytes.data(), bytes.size()}});
  return bytes;
}

}  // namespace penumbra::data
