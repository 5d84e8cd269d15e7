#include "data/error.h"
#include "data/render/variants.h"

namespace penumbra::data {

std::vector<std::string> verify_variants(const std::filesystem::path& file) {
  const StoreReader reader(file);
  std::vector<std::string> lines;
  if (reader.variants() == 0) return lines;
  const SampleSet train = reader.open("train");
  for (int k = 0; k < reader.variants(); ++k) {
    const StoredVariant variant = reader.open_variant(k);
    try {
      verify_variant(train, variant);
    } catch (const DataError& error) {
      throw DataError(file.string() + ", variant " + std::to_string(k) + ": " + error.what());
    }
    lines.push_back("variant " + std::to_string(k) + ": " + std::to_string(train.size()) +
                    " views rendered again, the same bytes");
  }
  return lines;
}

}  // namespace penumbra::data
