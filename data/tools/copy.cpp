#include "data/tools/copy.h"

namespace penumbra::data {

void copy_splits(const StoreReader& from, const std::string& except, StoreWriter& to, const StoreInfo& info) {
  for (const std::string& split : from.splits()) {
    if (split == except) continue;
    SampleSet set = from.open(split);
    set.info = info;
    to.write_split(split, set);
  }
}

void note_variants(const StoreReader& from, std::vector<std::string>& lines) {
  if (from.variants() > 0) {
    lines.emplace_back(
        "note: the stored variants belong to the training set as it was and stay behind; make them anew with "
        "`penumbra data ambiguous`");
  }
}

}  // namespace penumbra::data
