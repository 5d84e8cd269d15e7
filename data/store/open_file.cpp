#include "data/store/open_file.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "data/error.h"

namespace penumbra::data {
namespace {

/// Takes `bytes` off the front.
void advance(std::vector<iovec>& pieces, std::size_t& first, std::size_t bytes) {
  while (first < pieces.size() && bytes >= pieces[first].iov_len) bytes -= pieces[first++].iov_len;
  if (first == pieces.size()) return;
  pieces[first].iov_base = static_cast<char*>(pieces[first].iov_base) + bytes;
  pieces[first].iov_len -= bytes;
}

}  // namespace

OpenFile::OpenFile(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) fail(path_, std::string("cannot be opened: ") + std::strerror(errno));
}

OpenFile::~OpenFile() { ::close(descriptor_); }

void OpenFile::read(std::uint64_t offset, std::vector<iovec> pieces) const {
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
