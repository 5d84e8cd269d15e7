#pragma once

#include <filesystem>

#include "data/import/import_report.h"

namespace penumbra::data {

struct RafdbOptions {
  ImportOptions common;
  int size = 0;      ///< side in pixels to resize to; 0: 100, as the aligned images are
  int channels = 3;  ///< 1 or 3
};

/// RAF-DB, basic emotions: `dir` holds EmoLabel/list_patition_label.txt ("train_00001.jpg 5", labels 1 to 7) and
/// Image/aligned/train_00001_aligned.jpg. With EmoLabel/distribution_basic.txt (image and seven shares) the shares are
/// stored as votes, with Annotation/manual/train_00001_manu_attri.txt gender, race and age as groups (rafdb_people.h);
/// then every listed image must have them. Splits train and test; an id is the listed name. Throws DataError with file
/// and line.
ImportReport import_rafdb(const std::filesystem::path& dir, const std::filesystem::path& out,
                          const RafdbOptions& options);

}  // namespace penumbra::data
