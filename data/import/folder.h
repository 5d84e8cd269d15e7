#pragma once

#include <filesystem>

#include "data/import/ferplus.h"

namespace penumbra::data {

struct FolderOptions {
  ImportOptions common;
  int size = 0;      ///< side in pixels to resize to; 0: the images' own, which must then all be the same square
  int channels = 0;  ///< 1, 3; 0: grey when the first image is
};

/// {train,val,test}/{class}/*.{png,jpg,jpeg}; classes are the sorted folder names of train. Throws DataError.
ImportReport import_folder(const std::filesystem::path& dir, const std::filesystem::path& out,
                           const FolderOptions& options);

}  // namespace penumbra::data
