#include "trainer/prediction/cascade_module.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <opencv2/objdetect.hpp>

namespace penumbra::trainer {
namespace {

constexpr double kScaleStep = 1.1;  ///< between two sizes that are looked for
constexpr int kNeighbours = 3;      ///< overlapping finds that make a face
constexpr int kSmallest = 24;       ///< pixels
constexpr int kSmallestShare = 32;  ///< of the shorter side

class CascadeDetector : public FaceDetector {
 public:
  bool load(const char* file) { return cascade_.load(file); }

  std::vector<data::FaceBox> find(const data::Image& grey) override {
    // OpenCV only reads it, but has no type that says so.
    const cv::Mat image(grey.height, grey.width, CV_8UC1, const_cast<std::uint8_t*>(grey.pixels.data()));
    const int smallest = std::max(kSmallest, std::min(grey.width, grey.height) / kSmallestShare);
    std::vector<cv::Rect> found;
    cascade_.detectMultiScale(image, found, kScaleStep, kNeighbours, 0, {smallest, smallest});
    std::vector<data::FaceBox> boxes;
    for (const cv::Rect& face : found) boxes.push_back({face.x, face.y, face.width, face.height});
    std::sort(boxes.begin(), boxes.end(), [](const data::FaceBox& a, const data::FaceBox& b) {
      return std::pair(a.left, a.top) < std::pair(b.left, b.top);
    });
    return boxes;
  }

 private:
  cv::CascadeClassifier cascade_;
};

}  // namespace
}  // namespace penumbra::trainer

extern "C" penumbra::trainer::FaceDetector* penumbra_open_cascade(const char* file) {
  cv::redirectError([](int, const char*, const char*, const char*, int, void*) { return 0; });  // or it prints them
  auto detector = std::make_unique<penumbra::trainer::CascadeDetector>();
  try {
    return detector->load(file) ? detector.release() : nullptr;
  } catch (const cv::Exception&) {  // text that is no XML of its kind
    return nullptr;
  }
}
