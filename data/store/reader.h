#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/render/recipe.h"
#include "data/store/sample_set.h"

namespace penumbra::data {

/// A stored variant of the ambiguous set: one rendered view a training sample and how it came about.
struct StoredVariant {
  std::vector<std::uint8_t> pixels;     ///< [N, S, S, channels], before normalisation
  std::vector<Recipe> recipes;          ///< [N], source == row; N or N-1 are matched (an odd one sits out)
  std::uint64_t label_fingerprint = 0;  ///< of the labels that the matching came from
  std::uint64_t seed = 0;
  std::int64_t epoch = 0;  ///< the plan's epoch whose matching and recipes it holds
};

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
  /// Reads one split whole and checks shapes, label range and votes. Throws DataError (also when it is missing).
  SampleSet load(const std::string& split) const;
  /// The same, but images stay in the file where it holds them in pieces of whole rows.
  SampleSet open(const std::string& split) const;

  /// Number of stored variants of the ambiguous training set; 0 when none is stored.
  int variants() const;
  StoredVariant load_variant(int variant) const;

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace penumbra::data
