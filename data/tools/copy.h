#pragma once

#include <string>
#include <vector>

#include "data/store/reader.h"
#include "data/store/writer.h"

namespace penumbra::data {

/// Writes the splits of `from` but `except` as they are, one in memory at a time, in a store of another `info`.
void copy_splits(const StoreReader& from, const std::string& except, StoreWriter& to, const StoreInfo& info);

/// Adds a line where `from` has stored variants: they were made from its training labels and stay behind.
void note_variants(const StoreReader& from, std::vector<std::string>& lines);

}  // namespace penumbra::data
