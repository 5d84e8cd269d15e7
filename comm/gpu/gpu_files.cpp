#include "comm/gpu/gpu_files.h"

#include <algorithm>
#include <string_view>
#include <system_error>

#include <dlfcn.h>
#include <link.h>

#include "comm/gpu/cuda_module.h"

namespace penumbra::comm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDriverRemedy = "it comes with NVIDIA's driver, 580 or later, which a host with GPUs has";
constexpr const char* kTorchRemedy = "run scripts/setup, or pip install torch==2.11.0 from PyPI";
constexpr const char* kNvidiaRemedy = "run scripts/setup --gpu, or pip install torch==2.11.0 with all that it requires";
constexpr const char* kModuleRemedy = "run scripts/setup, which builds it";

// What the libraries of LibTorch 2.11.0+cu130 need of NVIDIA's, directly or not. tests/system/doctor_test.py compares
// this with what they say themselves.
constexpr const char* kNvidiaLibraries[] = {
    "libcublas.so.13", "libcublasLt.so.13",  "libcudart.so.13",   "libcudnn.so.9",        "libcufft.so.12",
    "libcufile.so.0",  "libcurand.so.10",    "libcusolver.so.12", "libcusparse.so.12",    "libcusparseLt.so.0",
    "libnccl.so.2",    "libnvJitLink.so.13", "libnvrtc.so.13",    "libnvshmem_host.so.3",
};

std::vector<GpuFile> list_files() {
  std::vector<GpuFile> files{{kCudaDriver, kDriverRemedy}};
  for (const char* name : {"libtorch_cuda.so", "libc10_cuda.so", "libtorch_nvshmem.so"}) {
    files.push_back({name, kTorchRemedy});
  }
  for (const char* name : kNvidiaLibraries) files.push_back({name, kNvidiaRemedy});
  files.push_back({kCudaModule, kModuleRemedy});
  return files;
}

/// Whether the loader finds the file itself. What that file needs in turn may be missing all the same. It stays loaded:
/// LibTorch's libraries register themselves for good.
bool loader_finds(const std::string& name) {
  if (dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE) != nullptr) return true;
  const std::string_view problem = dlerror();
  return !problem.starts_with(name + ": cannot open shared object file");
}

bool lies_in(const std::vector<fs::path>& folders, const std::string& name) {
  std::error_code unreadable;
  return std::any_of(folders.begin(), folders.end(),
                     [&](const fs::path& folder) { return fs::exists(folder / name, unreadable); });
}

}  // namespace

const std::vector<GpuFile>& gpu_files() {
  static const std::vector<GpuFile> files = list_files();
  return files;
}

std::vector<fs::path> gpu_library_folders(const fs::path& torch_libraries) {
  std::vector<fs::path> folders{torch_libraries};
  for (const char* package : {"cu13", "cudnn", "nvshmem", "nccl", "cusparselt"}) {
    folders.push_back(torch_libraries / "../../nvidia" / package / "lib");
  }
  return folders;
}

fs::path torch_library_folder() {
  void* c10 = dlopen("libc10.so", RTLD_LAZY | RTLD_NOLOAD);
  if (c10 == nullptr) return {};
  const link_map* map = nullptr;
  const bool known = dlinfo(c10, RTLD_DI_LINKMAP, &map) == 0;
  fs::path folder = known ? fs::path(map->l_name).parent_path() : fs::path();
  dlclose(c10);  // the program links it: it stays
  return folder;
}

std::vector<GpuFile> missing_gpu_files(const std::vector<fs::path>& folders) {
  std::vector<GpuFile> missing;
  for (const GpuFile& file : gpu_files()) {
    if (!lies_in(folders, file.name) && !loader_finds(file.name)) missing.push_back(file);
  }
  return missing;
}

std::vector<GpuFile> missing_gpu_files() { return missing_gpu_files(gpu_library_folders(torch_library_folder())); }

std::string torch_cuda_load_problem() {
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return {};
  std::string problem = std::string("LibTorch's CUDA half cannot be loaded: ") + dlerror();
  std::string names;
  for (const GpuFile& file : missing_gpu_files()) {
    if (file.remedy == kNvidiaRemedy) names += (names.empty() ? "" : ", ") + file.name;
  }
  if (!names.empty()) problem += "; missing: " + names + ": " + kNvidiaRemedy;
  return problem;
}

}  // namespace penumbra::comm
