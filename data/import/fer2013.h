#pragma once

#include <filesystem>

#include "data/import/import_report.h"

namespace penumbra::data {

/// FER2013: `from` is fer2013.csv (emotion,pixels,Usage) or the folder that holds it. 48x48 grey images, seven classes,
/// one given label a face and no votes; an id is "fer2013/LINE". Missing splits are left out with a note. Throws
/// DataError with file and line.
ImportReport import_fer2013(const std::filesystem::path& from, const std::filesystem::path& out);

}  // namespace penumbra::data
