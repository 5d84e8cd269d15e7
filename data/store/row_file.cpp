#include "data/store/row_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "data/error.h"

namespace penumbra::data {
namespace {

constexpr std::size_t kMostPieces = 1024;  // IOV_MAX of Linux

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw DataError(path.string() + ": " + what);
}

/// Takes `bytes` off the front.
void advance(std::vector<iovec>& pieces, std::size_t& first, std::size_t bytes) {
  while (first < pieces.size() && bytes >= pieces[first].iov_len) bytes -= pieces[first++].iov_len;
  if (first == pieces.size()) return;
  pieces[first].iov_base = static_cast<char*>(pieces[first].iov_base) + bytes;
  pieces[first].iov_len -= bytes;
}

}  // namespace

RowExtents RowExtents::selected(std::span<const std::uint64_t> some) const {
  RowExtents extents{some.size(), row_bytes, 1, {}};
  for (const std::uint64_t row : some) extents.offsets.push_back(offset_of(row));
  return extents;
}

RowFile::RowFile(std::filesystem::path path, RowExtents extents)
    : path_(std::move(path)), extents_(std::move(extents)), descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) fail(path_, std::string("cannot be opened: ") + std::strerror(errno));
}

RowFile::RowFile(const RowFile& from, std::span<const std::uint64_t> rows)
    : path_(from.path_),
      extents_(from.extents_.selected(rows)),
      descriptor_(::fcntl(from.descriptor_, F_DUPFD_CLOEXEC, 0)) {
  if (descriptor_ < 0) fail(path_, std::string("cannot be opened again: ") + std::strerror(errno));
}

RowFile::~RowFile() { ::close(descriptor_); }

void RowFile::read(std::uint64_t first, std::span<std::uint8_t* const> targets) const {
  while (!targets.empty()) {
    const std::uint64_t offset = extents_.offset_of(first);
    std::size_t count = 1;
    while (count < std::min(targets.size(), kMostPieces) &&
           extents_.offset_of(first + count) == offset + count * extents_.row_bytes)
      ++count;
    read_run(offset, targets.first(count));
    targets = targets.subspan(count);
    first += count;
  }
}

void RowFile::read_run(std::uint64_t offset, std::span<std::uint8_t* const> targets) const {
  std::vector<iovec> pieces;
  for (std::uint8_t* target : targets) pieces.push_back({target, extents_.row_bytes});
  for (std::size_t next = 0; next < pieces.size();) {
    const ssize_t got =
        ::preadv(descriptor_, pieces.data() + next, static_cast<int>(pieces.size() - next), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) fail(path_, "ends too early: it was cut or replaced while it was read");
    offset += static_cast<std::uint64_t>(got);
    advance(pieces, next, static_cast<std::size_t>(got));
  }
}

}  // namespace penumbra::data
