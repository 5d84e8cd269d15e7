#pragma once

#include <cstddef>
#include <vector>

#include "comm/world.h"
#include "trainer/checkpoint/arrays.h"

namespace penumbra::trainer {

/// `own`: of `shards` shards those that are rank, rank + ranks, ... All ranks call; every rank gets all, in order.
std::vector<StateArrays> exchange(std::vector<StateArrays> own, std::size_t shards, comm::World& world);

}  // namespace penumbra::trainer
