#include "trainer/prediction/face_detector.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "trainer/config.h"

namespace penumbra::trainer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// The message with which loading fails.
std::string problem(const fs::path& cascade) {
  try {
    load_face_detector(cascade);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(FaceDetector, SaysWhichCascadeIsNotThere) {
  EXPECT_THAT(problem("/nowhere/cascade.xml"), HasSubstr("--cascade /nowhere/cascade.xml: no such file"));
}

#ifdef PENUMBRA_HAS_CASCADE
TEST(FaceDetector, SaysWhichFileIsNoCascade) {
  const fs::path file = fs::path(::testing::TempDir()) / ("cascade-" + std::to_string(getpid()) + ".xml");
  for (const char* text : {"", "no XML", "<?xml version=\"1.0\"?><opencv_storage><a>1</a></opencv_storage>"}) {
    std::ofstream(file) << text;
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(problem(file), "--cascade " + file.string() + ": is no cascade of OpenCV's") << text;
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");  // OpenCV prints its own errors, if it may
  }
  fs::remove(file);
}
#endif

}  // namespace
}  // namespace penumbra::trainer
