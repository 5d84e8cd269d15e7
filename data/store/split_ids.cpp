#include "data/store/split_ids.h"

#include "data/error.h"

namespace penumbra::data {

void SplitIds::add(const std::string& split, const std::vector<std::string>& ids, const std::string& where) {
  for (const std::string& id : ids) {
    const auto [entry, fresh] = split_of_.emplace(id, split);
    if (!fresh && entry->second != split) {
      throw DataError(where + ": \"" + id + "\" is in " + entry->second + " and in " + split +
                      "; a face must be in one split only");
    }
  }
}

}  // namespace penumbra::data
