#include "trainer/prediction/face_detector.h"

#include <system_error>

#include <dlfcn.h>
#include <fmt/format.h>

#include "trainer/config.h"
#include "trainer/prediction/cascade_module.h"

namespace penumbra::trainer {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCascade = "haarcascade_frontalface_alt2.xml";

/// share/ of a bundle, then where Debian's opencv-data has it.
fs::path usual_cascade() {
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& folder :
       {binary.parent_path().parent_path() / "share/opencv4", fs::path("/usr/share/opencv4/haarcascades")}) {
    if (fs::exists(folder / kCascade, error)) return folder / kCascade;
  }
  throw ConfigError(
      fmt::format("--detect: {} is not on this system: install the package opencv-data, or name a cascade "
                  "with --cascade",
                  kCascade));
}

OpenCascade load_module() {
  // Local: OpenCV brings a BLAS of its own, and torch must go on with its.
  void* module = dlopen(kCascadeModule, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    throw ConfigError(
        fmt::format("--detect: this build has no face detector ({}): install libopencv-objdetect-dev and "
                    "build again, or crop the faces yourself",
                    dlerror()));
  }
  return reinterpret_cast<OpenCascade>(dlsym(module, kOpenCascade));
}

}  // namespace

std::unique_ptr<FaceDetector> load_face_detector(const fs::path& cascade) {
  const fs::path file = cascade.empty() ? usual_cascade() : cascade;
  std::error_code error;
  if (!fs::is_regular_file(file, error)) throw ConfigError(fmt::format("--cascade {}: no such file", file.string()));
  std::unique_ptr<FaceDetector> detector(load_module()(file.c_str()));
  if (!detector) throw ConfigError(fmt::format("--cascade {}: is no cascade of OpenCV's", file.string()));
  return detector;
}

}  // namespace penumbra::trainer
