#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/store/row_file.h"

namespace penumbra::data {

/// Square images of one kind.
struct ImageKind {
  int side = 0;      ///< pixels
  int channels = 0;  ///< 1 or 3
  std::uint64_t bytes() const { return static_cast<std::uint64_t>(side) * side * channels; }
};

/// Images as JPEGs, in memory or in a file, decoded as they are read: by all cores where many are asked for at once.
class JpegRows : public RowFile {
 public:
  struct Place {
    std::uint64_t offset, bytes;
  };

  using Held = std::vector<std::vector<std::uint8_t>>;

  /// In memory.
  JpegRows(const std::shared_ptr<const Held>& images, ImageKind kind);
  /// In a file: the image of row i at places[i].
  JpegRows(std::shared_ptr<const OpenFile> file, std::vector<Place> places, ImageKind kind);

  void read(std::uint64_t first, std::span<std::uint8_t* const> targets) const override;
  std::shared_ptr<const RowFile> selected(std::span<const std::uint64_t> some) const override;
  std::uint64_t jpeg_bytes(std::uint64_t row) const override { return places_.at(row).bytes; }
  std::vector<std::uint8_t> jpeg(std::uint64_t row) const override;

 private:
  JpegRows(std::shared_ptr<const Held> held, std::shared_ptr<const OpenFile> file, std::vector<Place> places,
           ImageKind kind);

  std::shared_ptr<const Held> held_;      ///< null: in the file
  std::shared_ptr<const OpenFile> file_;  ///< null: held
  std::vector<Place> places_;             ///< of a held one: its number, and its bytes
  ImageKind kind_;
};

}  // namespace penumbra::data
