#pragma once

#include <cstddef>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "data/store/sample_set.h"
#include "trainer/prediction/face_detector.h"

namespace penumbra::trainer {

/// What came of one file.
struct ReadFile {
  std::string path;
  std::string problem;               ///< why it cannot be read; empty: it can
  std::size_t faces = 0;             ///< rows of the set, after those of the files before it
  std::vector<data::FaceBox> boxes;  ///< of these, where a detector looked for them, in pixels of the image
};

/// The faces of some files, one after the other.
struct FaceBatch {
  data::SampleSet set;
  std::vector<ReadFile> files;
};

/// How the faces of files become a set.
struct FaceReading {
  data::StoreInfo info;  ///< of the set: image size and channels
  std::size_t files_a_batch = 256;
  FaceDetector* detector = nullptr;  ///< null: every image is a face
  double margin = 0;                 ///< added around a detected face on each side, as a share of its box' side
};

/// Reads files in batches, on all cores and one batch ahead of who takes them. A detected face is cut out as
/// data::crop_face does; it, or the whole image, is scaled as the importers do.
class FaceReader {
 public:
  FaceReader(std::vector<std::string> files, FaceReading how);

  /// The next batch; nothing after the last one. What is wrong with a file is said in it. Throws what the detector
  /// throws.
  std::optional<FaceBatch> next();

 private:
  FaceBatch read(std::size_t first, std::size_t count);
  std::vector<data::Image> faces_of(ReadFile& file);
  void read_ahead();

  std::vector<std::string> files_;
  FaceReading how_;
  std::mutex detector_;
  std::size_t begun_ = 0;
  std::future<FaceBatch> ahead_;  ///< last: its thread uses the others
};

/// The box with `margin` times its longer side more on each side.
data::FaceBox with_margin(const data::FaceBox& box, double margin);

}  // namespace penumbra::trainer
