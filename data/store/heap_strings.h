#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace penumbra::data {

/// Where a dataset keeps its references to strings of variable length, in bytes from the start of the file.
struct StringReferences {
  std::uint64_t offset = 0;
  std::uint64_t count = 0;
  std::uint64_t base = 0;  ///< of the addresses in the file: the size of its user block
};

/// Reads strings of variable length from HDF5's global heap ("HDF5 File Format Specification", III.E), which has no
/// checksums: HDF5 itself copies what a damaged heap says, past the end of its buffers. Here every size and address is
/// checked against the file. Nothing when one is wrong.
std::optional<std::vector<std::string>> read_heap_strings(const std::filesystem::path& file,
                                                          const StringReferences& references);

}  // namespace penumbra::data
