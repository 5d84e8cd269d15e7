#include "data/plan/epoch_plan.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "data/plan/philox.h"
#include "data/plan/shuffle.h"

namespace penumbra::data {

EpochPlan::EpochPlan(std::uint64_t seed, std::uint32_t epoch, std::uint32_t matching_epoch,
                     std::span<const std::int32_t> labels, std::int64_t global_batch)
    : EpochPlan(seed, epoch, match(labels, seed, matching_epoch), global_batch) {}

EpochPlan::EpochPlan(std::uint64_t seed, std::uint32_t epoch, std::vector<Pair> matching, std::int64_t global_batch)
    : pairs_per_batch_(global_batch / 2), pairs_(std::move(matching)) {
  if (global_batch < 2 || global_batch % 2 != 0) {
    throw std::invalid_argument("global batch " + std::to_string(global_batch) +
                                " is not a positive even number: batches are runs of pairs");
  }
  Draws draws(seed, Purpose::order, epoch, 0);
  shuffle(std::span(pairs_), draws);
}

std::int64_t EpochPlan::steps() const { return static_cast<std::int64_t>(pairs_.size()) / pairs_per_batch_; }

std::span<const Pair> EpochPlan::batch(std::int64_t step) const {
  if (step < 0 || step >= steps()) {
    throw std::out_of_range("step " + std::to_string(step) + " of an epoch of " + std::to_string(steps()));
  }
  return std::span(pairs_).subspan(static_cast<std::size_t>(step * pairs_per_batch_),
                                   static_cast<std::size_t>(pairs_per_batch_));
}

std::span<const Pair> EpochPlan::share(std::int64_t step, Shard shard) const {
  if (shard.rank < 0 || shard.rank >= shard.world_size) {
    throw std::invalid_argument("rank " + std::to_string(shard.rank) + " of " + std::to_string(shard.world_size));
  }
  const std::int64_t begin = pairs_per_batch_ * shard.rank / shard.world_size;
  const std::int64_t end = pairs_per_batch_ * (shard.rank + 1) / shard.world_size;
  return batch(step).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

}  // namespace penumbra::data
