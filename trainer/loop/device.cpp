#include "trainer/loop/device.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "comm/gpu/cuda.h"
#include "comm/gpu/device_collective.h"
#include "trainer/exit_code.h"
#include "trainer/loop/training_options.h"

namespace penumbra::trainer {
namespace {

/// Of ATen, cuDNN, cuBLAS and NCCL; the last two read the environment when they start.
void add_in_fixed_order() {
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  setenv("NCCL_ALGO", "Ring", /*overwrite=*/0);
  setenv("NCCL_PROTO", "Simple", /*overwrite=*/0);
  at::Context& torch = at::globalContext();
  torch.setDeterministicAlgorithms(true, /*warn_only=*/false);
  torch.setDeterministicFillUninitializedMemory(false);
  torch.setDeterministicCuDNN(true);
}

}  // namespace

bool takes_gpus(DeviceChoice choice, comm::World& world) {
  if (choice == DeviceChoice::cpu) return false;
  const std::vector<std::string> problems = world.all_gather(comm::cuda_driver().problem);
  const auto lacks = [](const std::string& problem) { return !problem.empty(); };
  const auto first = std::find_if(problems.begin(), problems.end(), lacks);
  if (first == problems.end()) return true;
  const auto rank = first - problems.begin();
  if (choice == DeviceChoice::cuda) {
    if (world.rank() != 0) throw comm::PeerFailure(exit_code_of(std::make_exception_ptr(ConfigError(""))));
    throw ConfigError(fmt::format("train.device = \"cuda\", but rank {} has no GPU: {}", rank, *first));
  }
  if (world.rank() == 0 && !std::all_of(problems.begin(), problems.end(), lacks)) {
    spdlog::warn("training on CPUs: rank {} has no GPU ({}), though others have", rank, *first);
  }
  return false;
}

std::size_t gpu_index(const comm::World& world) {
  return static_cast<std::size_t>(world.local_rank()) % comm::cuda_driver().gpus.size();
}

at::Device start_gpu(comm::World& world, bool deterministic, std::function<void(const std::string&)> on_error) {
  if (deterministic) add_in_fixed_order();
  const std::vector<comm::Gpu>& gpus = comm::cuda_driver().gpus;
  const std::size_t index = gpu_index(world);
  const at::Device device(at::kCUDA, static_cast<at::DeviceIndex>(index));
  const auto touch = [&] {
    comm::load_torch_cuda();
    const c10::impl::VirtualGuardImpl cuda(at::kCUDA);
    cuda.setDevice(device);
    cuda.exchangeStream(cuda.getStreamFromGlobalPool(device));  // steps on the default one could not be recorded
    at::empty({1}, at::TensorOptions().device(device));  // what is wrong with the card shows now, on all ranks together
  };
  world.all_or_none(touch, exit_code_of);
  world.add_device(comm::make_device_collective(world, device, gpus[index].uuid, std::move(on_error)));
  return device;
}

}  // namespace penumbra::trainer
