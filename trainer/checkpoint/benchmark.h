#pragma once

#include <cstdint>
#include <filesystem>

#include "comm/world.h"

namespace penumbra::trainer {

/// Seconds until the last rank has done it, medians over the rounds.
struct CheckpointTiming {
  double stall = 0;  ///< training stands still: the state is copied, the writing begins
  double whole = 0;  ///< from there until the checkpoint has its name
  double plain = 0;  ///< the same bytes of each rank into a file of its own, one after the other, and fsync
};

/// Checkpoints of `bytes` over all ranks together in `folder`, and plain writes there, in turns. All ranks call.
CheckpointTiming time_checkpoints(comm::World& world, const std::filesystem::path& folder, std::int64_t bytes,
                                  int rounds);

}  // namespace penumbra::trainer
