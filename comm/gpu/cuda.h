#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace penumbra::comm {

struct Gpu {
  std::string name;
  std::string uuid;  ///< hexadecimal; the same card has the same one in every process that sees it
  std::int64_t bytes = 0;
};

/// What the NVIDIA driver says of this process' GPUs (CUDA_VISIBLE_DEVICES applies).
struct CudaDriver {
  int version = 0;        ///< 13000 for CUDA 13.0; 0: no driver
  std::vector<Gpu> gpus;  ///< in the order of their indices
  std::string problem;    ///< why there is no GPU, one line; else empty
};

/// "13.0" of 13000.
std::string cuda_version(int code);

/// Asks libcuda.so.1, once. Nothing of CUDA need be installed.
const CudaDriver& cuda_driver();

/// Loads the half of LibTorch that computes on GPUs, once, after which ATen offers at::kCUDA. To be called before ATen
/// is asked anything about CUDA. Throws std::runtime_error with what is missing and what to do.
void load_torch_cuda();

}  // namespace penumbra::comm
