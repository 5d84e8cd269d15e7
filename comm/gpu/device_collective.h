#pragma once

#include <functional>
#include <memory>
#include <string>

#include <c10/core/Device.h>

#include "comm/collective.h"
#include "comm/world.h"

namespace penumbra::comm {

/// For World::add_device(): NCCL over all ranks' GPUs, or where ranks share one, host memory. `uuid` tells the GPUs
/// apart. `on_error` is called once, on any thread, when NCCL fails later. All ranks call. Throws CommError.
std::unique_ptr<Collective> make_device_collective(World& world, c10::Device device, const std::string& uuid,
                                                   std::function<void(const std::string&)> on_error);

}  // namespace penumbra::comm
