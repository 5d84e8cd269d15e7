#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/store/hdf5_handles.h"
#include "data/store/row_file.h"
#include "data/store/schema.h"

namespace penumbra::data {

/// An HDF5 file opened for reading, without locks. What it says of itself is not trusted: a dataset must be stored
/// uncompressed and whole, which bounds its size by the file's before anything is allocated. Every failure is a
/// DataError that names the file and the object. Not thread-safe.
class Hdf5Input {
 public:
  /// Tells a missing file, a foreign one, a truncated one and a damaged one apart.
  explicit Hdf5Input(std::filesystem::path path);

  bool has(const std::string& name) const;
  /// Dimensions of a dataset.
  Shape shape(const std::string& dataset) const;
  /// A whole dataset of numbers. The stored type must be of the same kind, sign and size as T.
  template <typename T>
  std::vector<T> read(const std::string& dataset, const Shape& expected) const;
  /// Where the rows of a dataset of bytes lie in the file, once it has passed the checks of read(); nothing where its
  /// pieces are not whole rows.
  std::optional<RowExtents> row_extents(const std::string& dataset, const Shape& expected) const;
  /// A whole one-dimensional dataset of UTF-8 strings of variable length.
  std::vector<std::string> read_strings(const std::string& dataset, std::uint64_t count) const;

  /// Attributes of a group ("/" is the root).
  bool has_attribute(const std::string& group, const std::string& name) const;
  template <typename T>
  T attribute(const std::string& group, const std::string& name) const;
  std::string text_attribute(const std::string& group, const std::string& name) const;
  std::vector<std::string> texts_attribute(const std::string& group, const std::string& name) const;

  const std::filesystem::path& path() const { return path_; }
  [[noreturn]] void fail(const std::string& what) const;

 private:
  Hdf5Handle open_dataset(const std::string& name) const;
  template <typename T>
  Hdf5Handle open_checked(const std::string& dataset, const Shape& expected) const;
  bool has_user_block() const;
  Hdf5Handle open_attribute(const std::string& group, const std::string& name) const;
  std::uint64_t check_stored(hid_t dataset, std::size_t element_bytes, const std::string& name) const;
  Shape shape_of(hid_t space) const;

  std::filesystem::path path_;
  std::uint64_t file_bytes_ = 0;
  Hdf5Handle file_;
};

}  // namespace penumbra::data
