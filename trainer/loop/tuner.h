#pragma once

#include <cstdint>
#include <vector>

#include "comm/gradient_sync.h"
#include "comm/world.h"

namespace penumbra::trainer {

/// What a step's speed depends on beside the method.
struct Tuning {
  std::int64_t bucket_bytes = 0;  ///< GradientSyncOptions::bucket_bytes
  int threads = 1;                ///< compute threads of a rank
};

/// Finds the fastest bucket size, then the fastest number of threads, in the first steps of a run: each candidate is in
/// force for some steps, and the ranks agree on the one whose slowest rank was fastest. Other buckets may change the
/// last bits of sums over more than two ranks, other threads those of convolutions.
class Tuner {
 public:
  /// Puts the first candidate into force. A candidate is tried for `steps` steps, >= 2, of which the first only warms
  /// up. Buckets of a sharded synchronisation are left alone: the optimizer's state is divided along them. The
  /// references must outlive this; all ranks call.
  Tuner(std::int64_t steps, Tuning start, int cores, comm::GradientSync& gradients, comm::World& world);

  /// After every step until done(): its seconds on this rank. All ranks call.
  void add(double step_seconds);
  bool done() const { return phase_ == Phase::done; }
  /// What is in force; the fastest once done().
  const Tuning& tuning() const { return tuning_; }

 private:
  enum class Phase { buckets, threads, done };
  void begin(Phase phase);
  std::vector<Tuning> candidates_of(Phase phase) const;
  void apply(const Tuning& tuning);
  std::size_t fastest();

  const std::int64_t steps_;
  const int cores_;
  comm::GradientSync& gradients_;
  comm::World& world_;
  Tuning tuning_;
  Phase phase_ = Phase::buckets;
  std::vector<Tuning> candidates_;    ///< of this phase
  std::vector<double> step_seconds_;  ///< of the candidate in force
  std::vector<double> medians_;       ///< of this phase's candidates so far
};

}  // namespace penumbra::trainer
