#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "data/store/row_file.h"

namespace penumbra::data {

/// Where to copy a row.
struct RowTarget {
  std::int64_t row;
  std::uint8_t* to;
};

/// The images of a set, row after row: in this process, in memory that it shares with others, or still in files, as raw
/// bytes or JPEGs. A value; copies share the bytes, which do not change any more. Thread-safe.
class Images {
 public:
  Images() = default;
  Images(std::vector<std::uint8_t> bytes);  // NOLINT(google-explicit-constructor): a set's pixels are given as bytes
  /// Bytes of others; `owner` keeps them.
  Images(std::span<const std::uint8_t> bytes, std::shared_ptr<const void> owner);
  /// Rows of files, or of JPEGs in memory, one after the other; all rows are of one size.
  explicit Images(std::vector<std::shared_ptr<const RowFile>> files);

  /// One after the other; in memory where one of them is.
  static Images concatenated(std::span<const Images> parts);
  /// Some rows of `row_bytes`, in the given order: a copy in memory, or still in the files. Throws std::out_of_range.
  Images rows(std::span<const std::int64_t> rows, std::size_t row_bytes) const;
  /// A copy in this process' memory, or these where they are in memory.
  Images in_memory() const;

  std::uint64_t size() const { return size_; }  ///< bytes
  bool resident() const { return files_.empty(); }
  /// Of images in files; throws std::logic_error where they are in memory.
  std::size_t row_bytes() const;
  /// Whether all are JPEGs, and the one of a row as it is stored, and its size (empty and 0 where it is none).
  bool jpeg() const;
  std::uint64_t jpeg_bytes(std::int64_t row) const;
  std::vector<std::uint8_t> jpeg(std::int64_t row) const;
  /// All of them. Throws std::logic_error unless resident().
  std::span<const std::uint8_t> bytes() const;
  /// Throws std::out_of_range unless there is such a row of `row_bytes`.
  void require_row(std::int64_t row, std::size_t row_bytes) const;
  /// Copies rows of `row_bytes`. Neighbours in `targets` that are neighbours in a file are read in one call: sort them.
  /// Throws DataError where a file cannot be read, std::out_of_range for a row beyond the end.
  void read(std::span<const RowTarget> targets, std::size_t row_bytes) const;
  /// The rows from `first` on, one after the other.
  void read(std::int64_t first, std::int64_t count, std::size_t row_bytes, std::uint8_t* out) const;

  friend bool operator==(const Images& a, const Images& b);

 private:
  std::shared_ptr<const void> owner_;
  const std::uint8_t* data_ = nullptr;
  std::uint64_t size_ = 0;
  std::vector<std::shared_ptr<const RowFile>> files_;
};

/// Gives `count` rows from `first` on, one after the other.
using RowSource = std::function<void(std::int64_t first, std::int64_t count, std::uint8_t* out)>;

/// Some images to look at: where they are in memory, or a copy of those in files. `images` must outlive it.
class PickedImages {
 public:
  /// Throws what Images::read throws.
  PickedImages(const Images& images, std::span<const std::int64_t> rows, std::size_t row_bytes);
  /// The image of rows[i].
  const std::uint8_t* operator[](std::size_t i) const { return images_[i]; }

 private:
  std::vector<std::uint8_t> copies_;
  std::vector<const std::uint8_t*> images_;
};

}  // namespace penumbra::data
