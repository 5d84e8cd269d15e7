#pragma once

#include <stdexcept>
#include <string>

#include "data/store/reader.h"
#include "data/store/sample_set.h"

namespace penumbra::data {

/// What a store may hold, checked on the way in and on the way out. Each throws DataError with one line that starts
/// with `where` (a file, or a file and a group).
void check_info(const StoreInfo& info, const std::string& where);

/// Aligned rows, labels and clean labels in [0, C), finite votes >= 0 with a positive sum over the classes,
/// distributions that sum to 1, groups as check_groups wants them.
void check_samples(const SampleSet& set, const std::string& where);

/// A view size, and one recipe a row, with values that a renderer can work with; `rows` is the number of training
/// samples. The images and the matching are verify_variant's.
void check_variant(const StoredVariant& variant, const StoreInfo& info, std::int64_t rows, const std::string& where);

}  // namespace penumbra::data
