#pragma once

#include <filesystem>

#include "data/import/import_report.h"

namespace penumbra::data {

struct FolderOptions {
  ImportOptions common;
  int size = 0;      ///< side in pixels to resize to; 0: the images' own, which must then all be the same square
  int channels = 0;  ///< 1, 3; 0: as the first image of train that can be decoded
};

/// {train,val,test}/{class}/*.{png,jpg,jpeg}; "valid" is read as val. Classes are the sorted folder names of train, an
/// id is the path below `dir`. With a table groups.csv in `dir` the groups of its columns are stored (group_table.h).
/// Hidden folders and files with other endings are passed over, the latter with a note. Throws DataError.
ImportReport import_folder(const std::filesystem::path& dir, const std::filesystem::path& out,
                           const FolderOptions& options);

}  // namespace penumbra::data
