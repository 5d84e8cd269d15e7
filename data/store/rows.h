#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/store/sample_set.h"

namespace penumbra::data {

/// The given rows of a set in the given order, all columns of them (a group column keeps its values); images in files
/// stay there. Throws
/// std::out_of_range.
SampleSet rows_of(const SampleSet& set, std::span<const std::int64_t> rows);

/// Sets of one kind (classes, vote columns, size, channels) one after the other; at least one. Differing sources and
/// label rules are joined by " + ". What is known of some rows only: a distribution is then known of none; labels
/// without a clean label count as clean; a row's group is unknown where its set lacks the column. Group columns and
/// their values are matched by their texts, in the order of their first appearance.
SampleSet concatenate(std::vector<SampleSet> parts);

/// `all` and then, unless it is the same, `more`: the source or label rule of a mixed set.
std::string joined(const std::string& all, const std::string& more);

}  // namespace penumbra::data
