#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace penumbra::data {

/// A file as it lies on the disk.
struct FileStamp {
  std::uint64_t bytes = 0, checksum = 0;  ///< XXH3, 64 bits
  bool operator==(const FileStamp&) const = default;
};

/// Makes a folder and those above it where they are not there. Throws DataError.
void make_folder(const std::filesystem::path& folder);

/// Creates a new, empty file beside `path` that no other program writes to, and returns its name. Throws DataError.
std::filesystem::path create_partial(const std::filesystem::path& path);

/// Gives a closed, whole file its final name: fsync, rename, fsync of the folder. An older file of that name is
/// replaced. Throws DataError.
void publish(const std::filesystem::path& partial, const std::filesystem::path& path);

/// The same without the fsync of the folder, for one of several files whose folder is flushed later, once for all.
/// Reads the file through while the disk writes, and returns what is there. Throws DataError.
FileStamp publish_as_part(const std::filesystem::path& partial, const std::filesystem::path& path);

/// Puts on the disk which names a folder holds. Throws DataError.
void flush_folder(const std::filesystem::path& folder);

/// Reads the file through. Throws DataError.
FileStamp stamp_of(const std::filesystem::path& path);

/// "PATH: cannot be written: WHAT", and that the disk is full where it is.
std::string write_failure(const std::filesystem::path& path, const std::string& what);

}  // namespace penumbra::data
