#include "data/tools/merge.h"

#include <algorithm>
#include <map>
#include <set>

#include "data/store/load_split.h"
#include "data/store/rows.h"
#include "data/store/schema.h"
#include "data/store/split_ids.h"
#include "data/tools/copy.h"

namespace penumbra::data {
namespace {

/// In memory; a store that lacks the split gives an empty set, so that a part's place is its store's.
std::vector<SampleSet> parts_of(std::span<const std::string> stores, const ClassMap& map, const StoreInfo& info,
                                const std::string& split, SplitIds& ids) {
  std::vector<SampleSet> parts;
  for (const std::string& store : stores) {
    const StoreReader reader(store);
    parts.push_back(reader.has(split) ? in_classes(reader.open(split), map, info) : SampleSet());
    ids.add(split, parts.back().ids, store);
  }
  return parts;
}

void note_variants(std::span<const std::string> stores, std::vector<std::string>& lines) {
  for (const std::string& store : stores) {
    const StoreReader reader(store);
    if (reader.variants() > 0) return note_variants(reader, lines);
  }
}

}  // namespace

std::int64_t tell_ids_apart(std::span<SampleSet> parts) {
  std::map<std::string, std::set<std::size_t>> holders;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    for (const std::string& id : parts[part].ids) holders[id].insert(part);
  }
  std::int64_t changed = 0;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    for (std::string& id : parts[part].ids) {
      if (holders.at(id).size() < 2) continue;
      id = std::to_string(part + 1) + "/" + id;
      ++changed;
    }
  }
  return changed;
}

std::vector<std::string> write_merged(std::span<const std::string> stores, const ClassMap& map,
                                      const std::filesystem::path& out) {
  const StoreInfo info = require_one_kind(stores, {map, {}});
  StoreWriter writer(out, info);
  std::vector<std::string> lines;
  SplitIds before, after;
  for (const std::string split : kSplits) {
    std::vector<SampleSet> parts = parts_of(stores, map, info, split, before);
    const std::int64_t changed = tell_ids_apart(parts);
    std::erase_if(parts, [](const SampleSet& part) { return part.size() == 0; });
    if (parts.empty()) continue;
    SampleSet all = concatenate(std::move(parts));
    after.add(split, all.ids, out.string());
    writer.write_split(split, all);
    lines.push_back(split + ": " + std::to_string(all.size()) + " faces");
    if (changed > 0) lines.back() += ", " + std::to_string(changed) + " ids with their store's place before them";
  }
  writer.commit();
  note_variants(stores, lines);
  return lines;
}

}  // namespace penumbra::data
