#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/store/sample_set.h"
#include "data/store/stored_variant.h"

namespace penumbra::data {

/// An opened store (docs/data-format.md). Opening checks that the file is HDF5, is a Penumbra store, is whole and has
/// a version that this program reads; every failure is a DataError naming the file. Not thread-safe.
class StoreReader {
 public:
  explicit StoreReader(std::filesystem::path path);
  ~StoreReader();
  StoreReader(StoreReader&&) noexcept;
  StoreReader& operator=(StoreReader&&) noexcept;

  const StoreInfo& info() const;
  /// "train", "val", "test": those that the file has, in this order.
  std::vector<std::string> splits() const;
  bool has(const std::string& split) const;
  /// Reads one split whole and checks shapes, ranges, votes and groups. Throws DataError (also when it is missing).
  SampleSet load(const std::string& split) const;
  /// The same, but images stay in the file where it holds them in pieces of whole rows.
  SampleSet open(const std::string& split) const;

  /// Number of stored variants of the ambiguous training set; 0 when none is stored.
  int variants() const;
  /// Reads one whole, and checks shapes and recipes. Throws DataError (also when there is none of this number).
  StoredVariant load_variant(int variant) const;
  /// The same, but images stay in the file where it holds them in pieces of whole rows.
  StoredVariant open_variant(int variant) const;

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace penumbra::data
