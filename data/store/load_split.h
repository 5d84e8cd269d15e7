#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/store/class_map.h"
#include "data/store/sample_set.h"

namespace penumbra::data {

/// The classes that stores are to have as one set.
struct ClassOptions {
  ClassMap map;
  std::vector<std::string> classes;  ///< after the map, in this order; empty: those of the first store
  bool made_for_these = true;        ///< each class that the map names must be in one of the stores
};

/// What stores, at least one, say of themselves as one set: classes as `options` says, after them every further vote
/// column of any of them, their sources and label rules joined. Throws DataError unless they agree on size, channels
/// and whether there are votes, and have no class beside these.
StoreInfo require_one_kind(std::span<const std::string> files, const ClassOptions& options = {});

/// One split of several stores in the classes of require_one_kind, concatenated in order. A store without that split
/// is an error only when none of them has it, as is one that no face is left of.
SampleSet load_split(std::span<const std::string> files, const std::string& split, const ClassOptions& options = {});
/// The same, but images stay in the files where all of them hold them in pieces of whole rows.
SampleSet open_split(std::span<const std::string> files, const std::string& split, const ClassOptions& options = {});

}  // namespace penumbra::data
