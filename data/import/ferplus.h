#pragma once

#include <filesystem>

#include "data/import/import_report.h"
#include "data/import/label_rule.h"

namespace penumbra::data {

/// FERPlus: `dir` holds fer2013new.csv and FER2013{Train,Valid,Test}/ferNNNNNNN.png, or, when it has none of these
/// folders, fer2013.csv with the pixels in the same row order. Rules and counts: method.md, section 10. All ten vote
/// columns are kept as given. Missing splits are left out with a note. Throws DataError.
ImportReport import_ferplus(const std::filesystem::path& dir, const std::filesystem::path& out, LabelRule rule,
                            const ImportOptions& options);

}  // namespace penumbra::data
