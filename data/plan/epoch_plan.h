#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/plan/matching.h"
#include "data/plan/occurrences.h"
#include "data/plan/windows.h"

namespace penumbra::data {

struct Shard {
  int rank = 0;
  int world_size = 1;
};

struct PlanOptions {
  Windows windows;
  std::int64_t most_repeats = 1;  ///< of a sample of a small class: draw_occurrences()
};

/// Steps of every epoch that is planned so.
std::int64_t count_steps(std::span<const std::int32_t> labels, std::int64_t global_batch, const PlanOptions& options);

/// Which pairs are seen when, and by whom. A pure function of (seed, epoch, labels, global batch): the global batches
/// are the same at any number of ranks. The last incomplete batch is left out. With windows, the pairs of one are
/// matched and shuffled among themselves, and a batch holds images of at most as many windows as it reaches into.
class EpochPlan {
 public:
  /// `global_batch` samples a step over all ranks, even (otherwise std::invalid_argument). `matching_epoch` lets
  /// several epochs share a stored variant's matching while their order differs.
  EpochPlan(std::uint64_t seed, std::uint32_t epoch, std::uint32_t matching_epoch, std::span<const std::int32_t> labels,
            std::int64_t global_batch, const PlanOptions& options = {});

  /// Orders a matching that is known already: what the constructor above does with match(labels, seed, matching_epoch).
  EpochPlan(std::uint64_t seed, std::uint32_t epoch, std::vector<Pair> matching, std::int64_t global_batch);

  std::int64_t steps() const;
  /// The pairs of a step's global batch, in order. Throws std::out_of_range unless 0 <= step < steps().
  std::span<const Pair> batch(std::int64_t step) const;
  /// The contiguous share of one rank; shares differ by at most one pair. Throws std::out_of_range for a bad step, and
  /// std::invalid_argument unless 0 <= rank < world_size.
  std::span<const Pair> share(std::int64_t step, Shard shard) const;

 private:
  std::int64_t pairs_per_batch_;
  std::vector<Pair> pairs_;
};

}  // namespace penumbra::data
