#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/statvfs.h>

#include "comm/gpu/cuda.h"
#include "comm/gpu/device_graph.h"
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

void run_doctor() {
  const comm::World world;
  const nlohmann::json machine = environment();
  for (const auto& [key, value] : machine.items()) {
    fmt::print("{:<12} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  fmt::print("{:<12} {}\n", "mpi", world.library());
  fmt::print("{:<12} {} of this process\n", "usable cores", world.cores());
  print_gpus();
  fmt::print("{:<12} {}\n", "faces", outcome([] {
               load_face_detector({});
               return "found in photographs";
             }));
  fmt::print("{:<12} {:.1f} GiB free here, {:.1f} GiB in /dev/shm\n", "disk", free_gib("."), free_gib("/dev/shm"));
}

}  // namespace

void add_doctor(CLI::App& app) {
  CLI::App* command = app.add_subcommand("doctor", "What this machine and build have");
  command->footer("Example: penumbra doctor");
  command->callback(run_doctor);
}

}  // namespace penumbra::trainer
