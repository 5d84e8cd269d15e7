// A store from a stranger: opened, each split and each variant read, as `penumbra data verify` does.
#include <algorithm>

#include "data/error.h"
#include "data/store/reader.h"
#include "tests/fuzz/fuzz.h"

namespace penumbra::fuzz {
namespace {

using data::DataError;

constexpr int kMostVariants = 4;

void read(const data::StoreReader& reader, const std::string& split) {
  accepts<DataError>([&] {
    const data::SampleSet set = reader.load(split);
    require(set.pixels.size() == set.labels.size() * set.image_bytes(), "a sample has an image");
    require(set.ids.size() == set.labels.size(), "a sample has an id");
    for (const auto& column : set.groups) {
      require(column.codes.size() == set.labels.size(), "a sample has a code");
      for (const auto code : column.codes)
        require(code >= -1 && code < static_cast<std::int64_t>(column.values.size()), "a code is a value or unknown");
    }
    for (const auto label : set.labels) require(label >= 0 && label < set.classes(), "a label is a class");
  });
}

void read(const data::StoreReader& reader, int variant) {
  accepts<DataError>([&] {
    const data::StoredVariant stored = reader.load_variant(variant);
    const auto rows = static_cast<std::int64_t>(stored.recipes.size());
    for (const auto& recipe : stored.recipes) {
      require(recipe.source >= 0 && recipe.source < rows, "a source is a row");
      require(recipe.partner >= 0 && recipe.partner < rows, "a partner is a row");
    }
  });
}

}  // namespace
}  // namespace penumbra::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  const fuzz::ScratchFile file({bytes, size});
  fuzz::accepts<data::DataError>([&] {
    const data::StoreReader reader(file.path());
    for (const auto& split : reader.splits()) fuzz::read(reader, split);
    for (int k = 0; k < std::min(reader.variants(), fuzz::kMostVariants); ++k) fuzz::read(reader, k);
  });
  return 0;
}
