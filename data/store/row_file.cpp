#include "data/store/row_file.h"

#include <algorithm>
#include <utility>

namespace penumbra::data {
namespace {

constexpr std::size_t kMostPieces = 1024;  // IOV_MAX of Linux

}  // namespace

RawRows::RawRows(std::shared_ptr<const OpenFile> file, RowExtents extents)
    : RowFile(extents.rows, extents.row_bytes), file_(std::move(file)), extents_(std::move(extents)) {}

void RawRows::read(std::uint64_t first, std::span<std::uint8_t* const> targets) const {
  while (!targets.empty()) {
    const std::uint64_t offset = extents_.offset_of(first);
    std::size_t count = 1;
    while (count < std::min(targets.size(), kMostPieces) &&
           extents_.offset_of(first + count) == offset + count * extents_.row_bytes)
      ++count;
    std::vector<iovec> pieces;
    for (std::uint8_t* target : targets.first(count)) pieces.push_back({target, extents_.row_bytes});
    file_->read(offset, std::move(pieces));
    targets = targets.subspan(count);
    first += count;
  }
}

std::shared_ptr<const RowFile> RawRows::selected(std::span<const std::uint64_t> some) const {
  RowExtents extents{some.size(), extents_.row_bytes, 1, {}};
  for (const std::uint64_t row : some) extents.offsets.push_back(extents_.offset_of(row));
  return std::make_shared<RawRows>(file_, std::move(extents));
}

}  // namespace penumbra::data
