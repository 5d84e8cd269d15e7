#pragma once

#include <filesystem>
#include <span>

#include "data/import/listed_images.h"

namespace penumbra::data {

/// Gives the listed images the groups of a table: a column "path", which holds ids of them, then one or more group
/// columns (groups.h). An empty field, and an image that the table lacks, is unknown. All of `splits` get the same
/// values, in the order of the table. Throws DataError with file and line, also for a path that is none of the ids or
/// there twice.
void read_group_table(const std::filesystem::path& table, std::span<ListedImages* const> splits);

}  // namespace penumbra::data
