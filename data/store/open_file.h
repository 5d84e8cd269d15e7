#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include <sys/uio.h>

namespace penumbra::data {

/// A file that is read in place. Thread-safe.
class OpenFile {
 public:
  /// Throws DataError where the file cannot be opened.
  explicit OpenFile(std::filesystem::path path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Reads from `offset` on into the pieces, one after the other; at most IOV_MAX (1024) of them. Throws DataError
  /// where the file ends too early or cannot be read.
  void read(std::uint64_t offset, std::vector<iovec> pieces) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace penumbra::data
