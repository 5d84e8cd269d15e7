#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/store/class_map.h"
#include "data/store/sample_set.h"

namespace penumbra::data {

/// Puts "N/" before each id that more than one of the parts has, N being the part's place in the list, from 1 on. Ids
/// that one part has twice stay as they are. Returns how many ids have changed.
std::int64_t tell_ids_apart(std::span<SampleSet> parts);

/// Writes the stores, one after the other, to `out`, in the classes that `map` gives them, split by split, told apart
/// by tell_ids_apart; stored variants stay behind. One split of all of them is in memory at a time. Returns lines for
/// the user. Throws DataError, also when the stores are not of one kind, or when an id of theirs is in two splits.
std::vector<std::string> write_merged(std::span<const std::string> stores, const ClassMap& map,
                                      const std::filesystem::path& out);

}  // namespace penumbra::data
