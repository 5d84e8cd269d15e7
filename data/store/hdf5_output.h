#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/store/durable.h"
#include "data/store/hdf5_handles.h"
#include "data/store/images.h"
#include "data/store/schema.h"

namespace penumbra::data {

/// An HDF5 file that is written under a name of its own beside `path` (PATH.partial-PID-COUNT, created exclusively, so
/// that two programs with one target do not meet) and takes that path in commit(). Destroyed without commit() it
/// leaves nothing behind, also when the disk is full. Every failure is a DataError that names the file, and ends the
/// use of the object.
class Hdf5Output {
 public:
  explicit Hdf5Output(std::filesystem::path path);
  ~Hdf5Output();
  Hdf5Output(const Hdf5Output&) = delete;
  Hdf5Output& operator=(const Hdf5Output&) = delete;

  void add_group(const std::string& name);
  /// `rows_per_chunk` > 0 stores runs of so many rows one after the other (uncompressed, as all is).
  template <typename T>
  void write(const std::string& dataset, std::span<const T> values, const Shape& shape,
             std::uint64_t rows_per_chunk = 0);
  /// Images [N, side, side, channels], in runs of so many rows, a few MiB of them in memory at a time.
  void write_images(const std::string& dataset, const RowSource& rows, const Shape& shape,
                    std::uint64_t rows_per_chunk);
  /// `bytes` bytes in one run, which come piece by piece.
  void write_bytes(const std::string& dataset, std::uint64_t bytes,
                   const std::function<std::vector<std::uint8_t>()>& next_piece);
  void write_strings(const std::string& dataset, const std::vector<std::string>& texts);

  template <typename T>
  void write_attribute(const std::string& group, const std::string& name, T value);
  void write_attribute(const std::string& group, const std::string& name, const std::string& text);
  void write_attribute(const std::string& group, const std::string& name, const std::vector<std::string>& texts);

  /// Flush, close, fsync, rename, fsync of the folder.
  void commit();
  /// For one of several files whose folder is flushed later, once for all: no fsync of the folder. Returns what is on
  /// the disk, read through while the disk writes.
  FileStamp commit_as_part();

  const std::filesystem::path& path() const { return path_; }

 private:
  [[noreturn]] void fail(const std::string& what);
  void check(bool done) {
    if (!done) fail(error_text());
  }
  void write_rows(const Hdf5Handle& dataset, std::uint64_t first, Shape count, const std::vector<std::uint8_t>& bytes);
  Hdf5Handle create(const std::string& dataset, hid_t type, const Shape& shape, std::uint64_t rows_per_chunk);
  void write_raw(const std::string& dataset, hid_t type, const void* values, const Shape& shape,
                 std::uint64_t rows_per_chunk);
  void write_raw_attribute(const std::string& group, const std::string& name, hid_t type, hid_t space,
                           const void* values);
  void close();
  void abandon();

  std::filesystem::path path_, partial_;
  Hdf5Handle file_;
};

}  // namespace penumbra::data
