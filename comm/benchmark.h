#pragma once

#include <cstdint>
#include <vector>

#include "comm/world.h"

namespace penumbra::comm {

/// Seconds of one all-reduce of fp32, until the last rank has it: medians over the rounds, in which the ways take
/// turns.
struct AllReduceTiming {
  std::int64_t bytes = 0;
  double collective = 0;  ///< Collective::all_reduce_sum, handed over and waited for
  double bf16 = 0;        ///< the same with bf16 on the wire
  double sharded = 0;     ///< reduce-scatter, then all-gather
  double plain = 0;       ///< MPI_Allreduce alone, called as it is
};

/// All ranks call; `sizes` in bytes, multiples of 4, less than 2^31. The same result on every rank. Throws CommError.
std::vector<AllReduceTiming> time_all_reduce(World& world, const std::vector<std::int64_t>& sizes, int rounds);

}  // namespace penumbra::comm
