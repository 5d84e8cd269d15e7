#pragma once

#include <filesystem>
#include <vector>

#include "data/store/groups.h"

namespace penumbra::data {

/// Gender, race and age of the faces of RAF-DB: files of five landmarks "x y" and then, a line each, the gender (0
/// male, 1 female, 2 unsure: unknown), the race (0 Caucasian, 1 African-American, 2 Asian) and the age (0: 0-3 years,
/// 1: 4-19, 2: 20-39, 3: 40-69, 4: 70 and more). One code a file, in their order. Throws DataError with file and line.
std::vector<GroupColumn> read_rafdb_people(const std::vector<std::filesystem::path>& files);

}  // namespace penumbra::data
