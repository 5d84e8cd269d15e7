#include "data/error.h"
#include "data/store/writer.h"

namespace penumbra::data {

// The store is written anew: deleting from an HDF5 file does not give the room back.
void write_variants(const std::filesystem::path& path, const std::vector<std::filesystem::path>& variants) {
  const StoreReader reader(path);
  const auto splits = reader.splits();
  if (!variants.empty() && !reader.has("train"))
    throw DataError(path.string() + ": has no training split that variants could belong to");
  StoreWriter writer(path, reader.info());
  for (const auto& split : splits) writer.write_split(split, reader.open(split));
  for (const auto& variant : variants) writer.write_variant(StoreReader(variant).open_variant(0));
  writer.commit();
}

}  // namespace penumbra::data
