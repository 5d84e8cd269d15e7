#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace penumbra::comm {

/// A file without which nothing is computed on GPUs.
struct GpuFile {
  std::string name;    ///< as the dynamic loader is asked for it: a soname
  std::string remedy;  ///< what brings it, for a message
};

inline constexpr const char* kCudaDriver = "libcuda.so.1";

/// The driver's library, LibTorch's CUDA half, the NVIDIA libraries that it needs, and this program's CUDA module.
const std::vector<GpuFile>& gpu_files();

/// Where libtorch_cuda.so looks for the libraries that it needs, when it lies in `torch_libraries`: there, and in the
/// folders of NVIDIA's packages beside torch/.
std::vector<std::filesystem::path> gpu_library_folders(const std::filesystem::path& torch_libraries);

/// The folder of the LibTorch that this process has loaded; empty where the loader does not tell.
std::filesystem::path torch_library_folder();

/// Those of gpu_files() that are in none of `folders` and that the dynamic loader does not find either. Needs neither a
/// GPU nor a driver.
std::vector<GpuFile> missing_gpu_files(const std::vector<std::filesystem::path>& folders);

/// As above, in the folders of the LibTorch that this process has loaded.
std::vector<GpuFile> missing_gpu_files();

/// Why LibTorch's CUDA half cannot be loaded, with the files that are missing and what brings them; else empty. Loads
/// it, driver or not.
std::string torch_cuda_load_problem();

}  // namespace penumbra::comm
