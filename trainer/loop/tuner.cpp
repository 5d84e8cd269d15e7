#include "trainer/loop/tuner.h"

#include <algorithm>

#include <ATen/Parallel.h>

#include "comm/timing.h"

namespace penumbra::trainer {

Tuner::Tuner(std::int64_t steps, Tuning start, int cores, comm::GradientSync& gradients, comm::World& world)
    : steps_(steps), cores_(cores), gradients_(gradients), world_(world), tuning_(start) {
  begin(Phase::buckets);
}

std::vector<Tuning> Tuner::candidates_of(Phase phase) const {
  constexpr std::int64_t kMiB = std::int64_t{1} << 20;
  std::vector<Tuning> out;
  if (phase == Phase::buckets && gradients_.can_rebucket()) {
    for (const std::int64_t mib : {1, 4, 25}) out.push_back({mib * kMiB, tuning_.threads});
  }
  if (phase == Phase::threads) {
    for (const int threads : {cores_, cores_ - 1, cores_ / 2}) {  // one core less leaves it to the communication
      const bool known = std::any_of(out.begin(), out.end(), [&](const Tuning& t) { return t.threads == threads; });
      if (threads > 0 && !known) out.push_back({tuning_.bucket_bytes, threads});
    }
  }
  return out;
}

void Tuner::begin(Phase phase) {
  phase_ = phase;
  medians_.clear();
  step_seconds_.clear();
  candidates_ = candidates_of(phase);
  if (candidates_.size() > 1) return apply(candidates_.front());
  if (phase_ != Phase::done) begin(phase_ == Phase::buckets ? Phase::threads : Phase::done);
}

void Tuner::apply(const Tuning& tuning) {
  tuning_ = tuning;
  if (gradients_.can_rebucket()) gradients_.rebucket(tuning.bucket_bytes);
  at::set_num_threads(tuning.threads);
}

void Tuner::add(double step_seconds) {
  step_seconds_.push_back(step_seconds);
  if (static_cast<std::int64_t>(step_seconds_.size()) < steps_) return;
  medians_.push_back(comm::median({step_seconds_.begin() + 1, step_seconds_.end()}));
  step_seconds_.clear();
  if (medians_.size() < candidates_.size()) return apply(candidates_[medians_.size()]);
  apply(candidates_[fastest()]);
  begin(phase_ == Phase::buckets ? Phase::threads : Phase::done);
}

/// Of this phase's candidates, by the slowest rank of each: the same on every rank.
std::size_t Tuner::fastest() {
  const std::vector<double> slowest = world_.largest(medians_);
  return static_cast<std::size_t>(std::min_element(slowest.begin(), slowest.end()) - slowest.begin());
}

}  // namespace penumbra::trainer
