#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace penumbra::data {

/// Where the rows of a dataset lie in its file: `rows_per_block` of them, one after the other, at each offset.
struct RowExtents {
  std::uint64_t rows = 0;
  std::uint64_t row_bytes = 0;
  std::uint64_t rows_per_block = 0;
  std::vector<std::uint64_t> offsets;  ///< bytes from the start of the file

  std::uint64_t offset_of(std::uint64_t row) const {
    return offsets.at(row / rows_per_block) + row % rows_per_block * row_bytes;
  }
  /// Some of the rows, in the given order.
  RowExtents selected(std::span<const std::uint64_t> some) const;
};

/// Reads rows of a dataset past HDF5, which takes one call at a time in a process. Thread-safe.
class RowFile {
 public:
  /// Throws DataError where the file cannot be opened.
  RowFile(std::filesystem::path path, RowExtents extents);
  /// Some rows of another, in the given order, from the same open file.
  RowFile(const RowFile& from, std::span<const std::uint64_t> rows);
  ~RowFile();
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  std::uint64_t rows() const { return extents_.rows; }
  std::uint64_t row_bytes() const { return extents_.row_bytes; }
  /// Reads the rows `first`, `first` + 1, ... each to where `targets` says. Throws DataError where the file ends too
  /// early or cannot be read.
  void read(std::uint64_t first, std::span<std::uint8_t* const> targets) const;

 private:
  void read_run(std::uint64_t offset, std::span<std::uint8_t* const> targets) const;

  std::filesystem::path path_;
  RowExtents extents_;
  int descriptor_ = -1;
};

}  // namespace penumbra::data
