#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/store/sample_set.h"

namespace penumbra::data {

/// What the classes of stores become, by name: another class or, where the text is empty, none. A class that it does
/// not name stays as it is.
using ClassMap = std::map<std::string, std::string>;

/// The map that lines "OLD=NEW" describe ("OLD=": none). Throws DataError for another line, or an OLD that is there
/// twice.
ClassMap parse_class_map(std::span<const std::string> lines);

/// The classes that `classes` become, each once, in the order of the first that becomes it.
std::vector<std::string> mapped_classes(const std::vector<std::string>& classes, const ClassMap& map);

/// The vote columns that are no classes: those of `info`, then the classes of `info` that become none.
std::vector<std::string> mapped_other_columns(const StoreInfo& info, const ClassMap& map);

/// Throws DataError, which starts with `where`, when one of `classes` becomes a class that is none of the wanted ones.
void require_known(const std::vector<std::string>& classes, const ClassMap& map, const std::vector<std::string>& wanted,
                   const std::string& where);

/// "a, b, c".
std::string listed(std::span<const std::string> names);

/// The set in the classes and vote columns of `wanted`, matched by name after `map`. Votes and distributions of classes
/// that become one are added; votes for a class that becomes none go to the column beside the classes that has its
/// name, if there is one. Faces whose class, or clean class, becomes none are left out, as are those without a vote or
/// a share of any class that is left; distributions sum to 1 again. Its classes must be known (require_known).
SampleSet in_classes(SampleSet set, const ClassMap& map, const StoreInfo& wanted);

}  // namespace penumbra::data
