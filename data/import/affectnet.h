#pragma once

#include <filesystem>

#include "data/import/import_report.h"

namespace penumbra::data {

struct AffectnetOptions {
  ImportOptions common;
  int classes = 8;   ///< 8, or 7: without contempt
  int size = 112;    ///< side in pixels to resize the faces to
  int channels = 3;  ///< 1 or 3
};

/// AffectNet, its expressions; valence, arousal and landmarks are not read. What `dir` holds says which edition it is:
/// - {training,validation}.csv, there or in Manually_Annotated_file_lists/, and Manually_Annotated_Images/: each image
///   is cropped to the box of its face as crop_face() does it (face_box.h). An id is the listed path.
/// - {train,val}_set/ with images/ID.jpg, faces already, and annotations/ID_exp.npy. An id is {train,val}_set/ID.
/// Labels 8 to 10 (none, uncertain, no face), with 7 classes 7 as well, are dropped and counted. Splits train and val;
/// a missing one is left out with a note. Throws DataError with file and line.
ImportReport import_affectnet(const std::filesystem::path& dir, const std::filesystem::path& out,
                              const AffectnetOptions& options);

}  // namespace penumbra::data
