#pragma once

#include <chrono>
#include <cstdint>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"
#include "trainer/loop/report.h"
#include "trainer/loop/step.h"

namespace penumbra::trainer {

/// Sums a log interval's steps on the device and reads them once, at its end: no host sync in the step.
class Interval {
 public:
  explicit Interval(comm::Collective& collective, at::Device device = at::kCPU);

  /// What the device knows of a step; may be recorded. The sums stay where they are once a step has been added.
  void add(const StepResult& result);
  /// What the host knows of the same step.
  void count(const StepSeconds& seconds, double wait_seconds);
  /// The interval's means over its finite steps and all ranks - not numbers where there was none -, and starts the next
  /// one. All ranks call. Seconds are this rank's.
  IntervalReport take(std::int64_t global_batch);
  std::int64_t steps() const { return steps_; }
  /// Whether a step since the last take() had a gradient that is not finite; the same on every rank. Waits for the
  /// device.
  bool has_non_finite() const;
  /// This rank's sums so far, for checkpoints; and how many steps they are of.
  const at::Tensor& sums() const { return sums_; }
  void resume_at(std::int64_t steps) { steps_ = steps; }
  /// Forgets what was added since the last take().
  void restart();

 private:
  void take_faces(IntervalReport& report);

  comm::Collective& collective_;
  at::Tensor sums_;
  at::Tensor faces_;       ///< [elements] double: an Observation's sums over this rank's faces, one after the other
  at::Tensor non_finite_;  ///< 0-dim fp32, steps
  std::int64_t steps_ = 0;
  double wait_seconds_ = 0;
  StepSeconds seconds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace penumbra::trainer
