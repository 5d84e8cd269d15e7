#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "data/import/face_box.h"
#include "data/store/image.h"

namespace penumbra::trainer {

/// Finds faces in photographs.
class FaceDetector {
 public:
  virtual ~FaceDetector() = default;
  /// The faces of a grey image, from the left to the right. One thread at a time.
  virtual std::vector<data::FaceBox> find(const data::Image& grey) = 0;
};

/// OpenCV's detector with a cascade (Viola & Jones, 2001), which finds frontal faces of at least 24 pixels and a
/// thirty-second of the image's shorter side. `cascade`: OpenCV's file of it, or empty for haarcascade_frontalface_alt2
/// of the bundle or the package opencv-data. OpenCV is loaded by this call, and needed by nothing else. Throws
/// ConfigError where this build has no detector or there is no such cascade.
std::unique_ptr<FaceDetector> load_face_detector(const std::filesystem::path& cascade);

}  // namespace penumbra::trainer
