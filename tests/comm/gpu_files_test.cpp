#include "comm/gpu/gpu_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace penumbra::comm {
namespace {

namespace fs = std::filesystem;

/// A LibTorch of empty files, torch/lib and nvidia/*/lib, removed at the end.
class FakeTorch {
 public:
  FakeTorch() {
    std::string name = fs::temp_directory_path() / "penumbra-torch-XXXXXX";
    root_ = mkdtemp(name.data());
    fs::create_directories(libraries());
  }
  ~FakeTorch() { fs::remove_all(root_); }
  FakeTorch(const FakeTorch&) = delete;
  FakeTorch& operator=(const FakeTorch&) = delete;

  void add(const fs::path& file) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file).put('\n');
  }
  void remove(const fs::path& file) const { fs::remove(root_ / file); }
  std::vector<GpuFile> missing() const { return missing_gpu_files(gpu_library_folders(libraries())); }

 private:
  fs::path libraries() const { return root_ / "torch/lib"; }

  fs::path root_;
};

TEST(GpuFiles, AFileIsFoundBesideLibTorchAndInThePackagesOfNvidia) {
  const FakeTorch torch;
  const std::vector<GpuFile> missing = torch.missing();
  if (missing.empty()) GTEST_SKIP() << "this system has all of them for every program";
  for (const char* folder : {"torch/lib", "nvidia/cu13/lib", "nvidia/cudnn/lib", "nvidia/nccl/lib",
                             "nvidia/cusparselt/lib", "nvidia/nvshmem/lib"}) {
    const fs::path file = fs::path(folder) / missing.front().name;
    torch.add(file);
    EXPECT_EQ(torch.missing().size(), missing.size() - 1) << file;
    torch.remove(file);
    EXPECT_EQ(torch.missing().size(), missing.size()) << file;
  }
}

TEST(GpuFiles, NothingIsMissingOnceAllOfThemAreThere) {
  const FakeTorch torch;
  for (const GpuFile& file : torch.missing()) torch.add("nvidia/cu13/lib/" + file.name);
  EXPECT_TRUE(torch.missing().empty());
}

TEST(GpuFiles, EachFileHasARemedyAndIsListedOnce) {
  std::vector<std::string> names;
  for (const GpuFile& file : gpu_files()) {
    EXPECT_FALSE(file.remedy.empty()) << file.name;
    names.push_back(file.name);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  for (const char* name : {"libcuda.so.1", "libtorch_cuda.so", "libnccl.so.2", "libpenumbra_cuda.so"}) {
    EXPECT_TRUE(std::binary_search(names.begin(), names.end(), name)) << name;
  }
}

TEST(GpuFiles, TheFolderOfLibTorchHoldsIt) { EXPECT_TRUE(fs::exists(torch_library_folder() / "libtorch_cpu.so")); }

}  // namespace
}  // namespace penumbra::comm
