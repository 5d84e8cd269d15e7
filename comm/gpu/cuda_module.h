#pragma once

#include "comm/gpu/device_graph.h"

namespace penumbra::comm {

/// The shared library that is alone in using CUDA's headers, and the one function that it is loaded for; the caller
/// deletes what it gives. Built from the same headers as its caller.
inline constexpr const char* kCudaModule = "libpenumbra_cuda.so";
inline constexpr const char* kNewCudaGraph = "penumbra_new_cuda_graph";
using NewCudaGraph = DeviceGraph* (*)();

}  // namespace penumbra::comm
