#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/store/open_file.h"

namespace penumbra::data {

/// Images of one size that are read on demand, row by row. Thread-safe.
class RowFile {
 public:
  RowFile(std::uint64_t rows, std::uint64_t row_bytes) : rows_(rows), row_bytes_(row_bytes) {}
  virtual ~RowFile() = default;
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  std::uint64_t rows() const { return rows_; }
  std::uint64_t row_bytes() const { return row_bytes_; }  ///< of an image in memory
  /// Reads the rows `first`, `first` + 1, ... each to where `targets` says. Throws DataError where the file ends too
  /// early, cannot be read or holds something else.
  virtual void read(std::uint64_t first, std::span<std::uint8_t* const> targets) const = 0;
  /// Some of the rows, in the given order.
  virtual std::shared_ptr<const RowFile> selected(std::span<const std::uint64_t> some) const = 0;
  /// Bytes of a row's JPEG; 0 where rows are stored raw.
  virtual std::uint64_t jpeg_bytes(std::uint64_t row) const = 0;
  /// The JPEG of a row, as it is stored; empty where rows are stored raw.
  virtual std::vector<std::uint8_t> jpeg(std::uint64_t row) const = 0;

 private:
  std::uint64_t rows_, row_bytes_;
};

/// Where the rows of a dataset lie in its file: `rows_per_block` of them, one after the other, at each offset.
struct RowExtents {
  std::uint64_t rows = 0;
  std::uint64_t row_bytes = 0;
  std::uint64_t rows_per_block = 0;
  std::vector<std::uint64_t> offsets;  ///< bytes from the start of the file

  std::uint64_t offset_of(std::uint64_t row) const {
    return offsets.at(row / rows_per_block) + row % rows_per_block * row_bytes;
  }
};

/// Raw rows, read past HDF5, which takes one call at a time in a process.
class RawRows : public RowFile {
 public:
  RawRows(std::shared_ptr<const OpenFile> file, RowExtents extents);
  void read(std::uint64_t first, std::span<std::uint8_t* const> targets) const override;
  std::shared_ptr<const RowFile> selected(std::span<const std::uint64_t> some) const override;
  std::uint64_t jpeg_bytes(std::uint64_t) const override { return 0; }
  std::vector<std::uint8_t> jpeg(std::uint64_t) const override { return {}; }

 private:
  std::shared_ptr<const OpenFile> file_;
  RowExtents extents_;
};

}  // namespace penumbra::data
