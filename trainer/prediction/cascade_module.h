#pragma once

#include "trainer/prediction/face_detector.h"

namespace penumbra::trainer {

/// The shared library that is alone in using OpenCV, and the one function that it is loaded for: a detector with the
/// cascade of a file, which the caller deletes; null where the file is none. Built from the same headers as its caller.
inline constexpr const char* kCascadeModule = "libpenumbra_cascade.so";
inline constexpr const char* kOpenCascade = "penumbra_open_cascade";
using OpenCascade = FaceDetector* (*)(const char* file);

}  // namespace penumbra::trainer
