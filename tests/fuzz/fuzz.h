#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

/// One input of a target, in libFuzzer's form. It returns 0 whatever the bytes are; anything else that it does - a
/// crash, an exception, an endless loop - is a finding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace penumbra::fuzz {

using Bytes = std::span<const std::uint8_t>;

/// A file with these bytes in the temporary folder ($TMPDIR), while it lives.
class ScratchFile {
 public:
  explicit ScratchFile(Bytes bytes);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// A law that must hold for whatever was accepted.
inline void require(bool holds, const char* law) {
  if (holds) return;
  std::fprintf(stderr, "broken law: %s\n", law);
  std::abort();
}

/// Runs work(); the documented complaint is a good answer to bad bytes. False where it complained.
template <typename Complaint, typename Work>
bool accepts(Work work) {
  try {
    work();
    return true;
  } catch (const Complaint& complaint) {
    require(*complaint.what() != '\0', "a complaint says something");
    return false;
  }
}

}  // namespace penumbra::fuzz
