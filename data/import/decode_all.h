#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/import/image_file.h"
#include "data/import/import_report.h"
#include "data/store/images.h"
#include "data/store/jpeg_rows.h"

namespace penumbra::data {

struct Decoded {
  Images images;                  ///< of the kept files
  std::vector<std::size_t> kept;  ///< indices into the files, ascending
  std::vector<std::string> bad;   ///< one line for each file that cannot be decoded, in order
};

/// Makes the decoded image of file `index` fit its set, in side and channels; a DataError of its own is never skipped.
using FitImage = std::function<Image(const Image& image, std::size_t index)>;

/// Decodes files on all cores. Without `skip_bad` the first bad file, in order, is a DataError. `fit` is called from
/// several threads. The result does not depend on their number.
Decoded decode_all(std::span<const std::filesystem::path> files, ImageKind kind, const FitImage& fit,
                   const ImportOptions& options);

}  // namespace penumbra::data
