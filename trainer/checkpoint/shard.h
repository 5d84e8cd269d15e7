#pragma once

#include <filesystem>

#include "data/store/durable.h"
#include "trainer/checkpoint/arrays.h"

namespace penumbra::trainer {

using data::FileStamp;

/// Writes a rank's share as HDF5 - for each array NAME a group with `intervals` [k, 2] int64, offset and size, and
/// `values` fp32 - and flushes it to the disk, but not the folder's list of names. Returns what is to be found there.
/// Throws data::DataError.
FileStamp write_shard(const std::filesystem::path& path, const StateArrays& share);

/// Throws data::DataError where the file is missing, damaged or not the one that `stamp` is of.
StateArrays read_shard(const std::filesystem::path& path, const FileStamp& stamp);

}  // namespace penumbra::trainer
