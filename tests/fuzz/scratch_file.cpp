#include <filesystem>
#include <system_error>

#include <unistd.h>

#include "tests/fuzz/fuzz.h"

namespace penumbra::fuzz {

ScratchFile::ScratchFile(Bytes bytes) : path_(std::filesystem::temp_directory_path() / "penumbra-fuzz-XXXXXX") {
  const int file = ::mkstemp(path_.data());
  if (file < 0) throw std::system_error(errno, std::generic_category(), path_);
  const bool whole = ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  ::close(file);
  if (whole) return;
  ::unlink(path_.c_str());
  throw std::system_error(ENOSPC, std::generic_category(), path_);
}

ScratchFile::~ScratchFile() { ::unlink(path_.c_str()); }

}  // namespace penumbra::fuzz
