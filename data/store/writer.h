#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/store/reader.h"
#include "data/store/sample_set.h"

namespace penumbra::data {

/// Writes a store beside its PATH (`PATH.partial-PID-COUNT`) and gives it its name only in commit() (flush, fsync,
/// rename, fsync of the folder): there is never half a file under the final name. A writer that is destroyed without
/// commit() removes the partial file. Images are raw uint8, uncompressed, 32 a chunk. Throws DataError (disk full
/// included).
class StoreWriter {
 public:
  StoreWriter(std::filesystem::path path, StoreInfo info);
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  /// `set.info` must equal the writer's. Call at most once a split ("train", "val", "test"). A set without samples is
  /// left out. What a reader would refuse is refused (DataError).
  void write_split(const std::string& split, const SampleSet& set);
  /// The next variant of the ambiguous training set, after the split it belongs to; in a store without that split it
  /// waits for a store that has it (write_variants).
  void write_variant(const StoredVariant& variant);
  /// The same with images that come as they are written, instead of the variant's.
  void write_variant(const StoredVariant& variant, const RowSource& images);
  void commit();

 private:
  struct File;
  std::unique_ptr<File> file_;
};

/// Replaces all stored variants of the ambiguous training set of an existing store by the first ones of other stores,
/// on a copy that takes the store's name when it is whole. Images are copied a few at a time. Throws DataError.
void write_variants(const std::filesystem::path& path, const std::vector<std::filesystem::path>& variants);

}  // namespace penumbra::data
