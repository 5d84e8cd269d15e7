#pragma once

#include <chrono>
#include <cstdint>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"
#include "trainer/loop/progress.h"
#include "trainer/loop/step.h"

namespace penumbra::trainer {

/// Sums a log interval's steps on the device and reads them once, at its end: no host sync in the step.
class Interval {
 public:
  explicit Interval(comm::Collective& collective, at::Device device = at::kCPU);

  void add(const StepResult& result, double wait_seconds, double exposed_seconds);
  /// The interval's means over all ranks, and starts the next one. All ranks call. Throws std::runtime_error when the
  /// loss is not finite.
  IntervalReport take(std::int64_t global_batch);
  std::int64_t steps() const { return steps_; }
  /// This rank's sums so far, for checkpoints; and how many steps they are of.
  const at::Tensor& sums() const { return sums_; }
  void resume_at(std::int64_t steps) { steps_ = steps; }

 private:
  comm::Collective& collective_;
  at::Tensor sums_;
  std::int64_t steps_ = 0;
  double wait_seconds_ = 0, exposed_seconds_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace penumbra::trainer
