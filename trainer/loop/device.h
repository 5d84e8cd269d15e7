#pragma once

#include <functional>
#include <string>

#include <ATen/core/Tensor.h>

#include "comm/world.h"

namespace penumbra::trainer {

enum class DeviceChoice;  // trainer/loop/training_options.h

/// Whether this run trains on GPUs: "auto" takes them where every rank sees one. All ranks call. Throws ConfigError on
/// rank 0 where GPUs were asked for and some rank has none, PeerFailure on the others.
bool takes_gpus(DeviceChoice choice, comm::World& world);

/// Which of its host's GPUs a rank takes, by its local rank. There must be one.
std::size_t gpu_index(const comm::World& world);

/// This rank's GPU, made current with a stream of its own for the calling thread: loads LibTorch's CUDA half and lets
/// world.collective() take the card's tensors. `on_error` is called once, on any thread, when NCCL fails later.
/// `deterministic`: only algorithms that add in a fixed order; what has none throws c10::Error when it is called. All
/// ranks call. Throws std::runtime_error where something is missing, CommError where NCCL does not start.
at::Device start_gpu(comm::World& world, bool deterministic, std::function<void(const std::string&)> on_error);

}  // namespace penumbra::trainer
