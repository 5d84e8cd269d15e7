#include <cstdlib>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/statvfs.h>
#include <unistd.h>

#include "comm/gpu/cuda.h"
#include "comm/gpu/device_graph.h"
#include "comm/gpu/gpu_files.h"
#include "comm/gpu/nccl_api.h"
#include "comm/world.h"
#include "trainer/commands/commands.h"
#include "trainer/prediction/face_detector.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {
namespace {

double free_gib(const char* path) {
  struct statvfs fs {};
  if (statvfs(path, &fs) != 0) return 0;
  return static_cast<double>(fs.f_bavail) * static_cast<double>(fs.f_frsize) / (1 << 30);
}

/// configs/ of an installed program, a bundle, or the clone that it was built in.
std::string folder_of_configurations() {
  namespace fs = std::filesystem;
  const fs::path prefix = fs::read_symlink("/proc/self/exe").parent_path().parent_path();
  for (const fs::path& folder : {prefix / "share/penumbra", prefix, prefix.parent_path()})
    if (fs::exists(folder / "configs/demo.toml")) return (folder / "configs").string();
  return "not beside the program";
}

/// What the outcome of `load` is worth to the user: its text or why it failed.
template <typename Load>
std::string outcome(const Load& load) {
  try {
    return load();
  } catch (const std::exception& problem) {
    return problem.what();
  }
}

void print_gpus() {
  const comm::CudaDriver& driver = comm::cuda_driver();
  if (!driver.problem.empty()) {
    fmt::print("{:<12} none: {}\n", "gpu", driver.problem);
    return;
  }
  for (const comm::Gpu& gpu : driver.gpus) {
    fmt::print("{:<12} {}, {:.1f} GiB, {}\n", "gpu", gpu.name, static_cast<double>(gpu.bytes) / (1 << 30), gpu.uuid);
  }
  fmt::print("{:<12} knows CUDA {}\n", "driver", comm::cuda_version(driver.version));
  fmt::print("{:<12} {}\n", "libtorch", outcome([] {
               comm::load_torch_cuda();
               return std::string("computes on GPUs");
             }));
  fmt::print("{:<12} {}\n", "cuda graphs", outcome([] {
               comm::make_cuda_graph();
               return std::string("steps can be launched as one");
             }));
  fmt::print("{:<12} {}\n", "nccl", outcome([] { return comm::nccl_version(comm::load_nccl()); }));
}

/// Names each file that a run on GPUs lacks, and what brings it. A host without a driver is looked through as well, so
/// that a login node tells what the compute nodes will lack.
void print_readiness() {
  const auto line = [](std::string_view text) { fmt::print("{:<12} {}\n", "for GPUs", text); };
  const std::vector<comm::GpuFile> missing = comm::missing_gpu_files();
  for (const comm::GpuFile& file : missing) line(fmt::format("{} is missing: {}", file.name, file.remedy));
  const bool only_the_driver = missing.size() == 1 && missing.front().name == comm::kCudaDriver;
  if (only_the_driver) line("ready for GPUs on hosts that have that driver");
  if (!missing.empty()) return;
  const std::string problem = outcome([] {
    comm::load_torch_cuda();
    return std::string();
  });
  const bool unseen = comm::cuda_driver().version > 0 && comm::cuda_driver().gpus.empty();
  if (problem.empty()) {
    line("ready for GPUs");
  } else if (unseen) {
    line(fmt::format("all files are there, but this process has no GPU: {}", problem));
  } else {
    line(problem);
  }
}

/// Open MPI's mpirun refuses root without these two.
void print_root() {
  const bool allowed =
      std::getenv("OMPI_ALLOW_RUN_AS_ROOT") != nullptr && std::getenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM") != nullptr;
  if (geteuid() != 0 || allowed) return;
  fmt::print("{:<12} mpirun refuses root: export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1\n", "root");
}

void run_doctor() {
  const comm::World world;
  const nlohmann::json machine = environment();
  for (const auto& [key, value] : machine.items()) {
    fmt::print("{:<12} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  fmt::print("{:<12} {}\n", "configs", folder_of_configurations());
  fmt::print("{:<12} {}\n", "mpi", world.library());
  fmt::print("{:<12} {} of this process\n", "usable cores", world.cores());
  print_root();
  print_gpus();
  fmt::print("{:<12} {}\n", "faces", outcome([] {
               load_face_detector({});
               return "found in photographs";
             }));
  fmt::print("{:<12} {:.1f} GiB free here, {:.1f} GiB in /dev/shm\n", "disk", free_gib("."), free_gib("/dev/shm"));
  print_readiness();
}

}  // namespace

void add_doctor(CLI::App& app) {
  CLI::App* command = app.add_subcommand("doctor", "What this machine and build have");
  command->footer("Example: penumbra doctor");
  command->callback(run_doctor);
}

}  // namespace penumbra::trainer
