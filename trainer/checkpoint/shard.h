#pragma once

#include <cstdint>
#include <filesystem>

#include "trainer/checkpoint/arrays.h"

namespace penumbra::trainer {

/// A file as it lies on the disk.
struct FileStamp {
  std::uint64_t bytes = 0, checksum = 0;  ///< xxhash64
  bool operator==(const FileStamp&) const = default;
};

/// Writes a rank's share as HDF5 - for each array NAME a group with `intervals` [k, 2] int64, offset and size, and
/// `values` fp32 - and flushes it to the disk. Returns what is to be found there. Throws data::DataError.
FileStamp write_shard(const std::filesystem::path& path, const StateArrays& share);

/// Throws data::DataError where the file is missing, damaged or not the one that `stamp` is of.
StateArrays read_shard(const std::filesystem::path& path, const FileStamp& stamp);

FileStamp stamp_of(const std::filesystem::path& path);

}  // namespace penumbra::trainer
