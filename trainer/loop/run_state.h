#pragma once

#include <string>

#include "comm/world.h"
#include "data/loader.h"
#include "trainer/checkpoint/resume.h"
#include "trainer/loop/interval.h"
#include "trainer/loop/run_context.h"
#include "trainer/loop/step.h"
#include "trainer/loop/stepper.h"
#include "trainer/loop/tuner.h"
#include "trainer/loop/validation.h"

namespace penumbra::trainer {

/// All that one rank knows of a run while it trains, and how it gets into a checkpoint and back. Constructing it and
/// its functions are collective: all ranks call.
struct RunState {
  /// `pretrained`: on rank 0, what the nets of a new run begin with.
  RunState(const Config& config, const TrainingData& data, comm::World& world, at::Device device,
           const std::optional<Pretrained>& pretrained);
  RunState(const RunState&) = delete;
  RunState& operator=(const RunState&) = delete;

  /// Returns its seconds, without those that the data took.
  double take_step(std::int64_t epoch, std::int64_t step, FaultPlan& faults);
  /// Where step `step` stands in the run: its middle, so that the first one of a warm-up already learns.
  Progress progress(std::int64_t epoch, std::int64_t step) const;
  /// The mean of the steps since the last report, which ended with step `step - 1` of the epoch.
  IntervalReport report(std::int64_t epoch, std::int64_t step);

  /// What a checkpoint from which `next` is the next step says of itself. `metrics_bytes`: of metrics.jsonl, on rank 0.
  Manifest manifest(const Start& start, Position next, std::uint64_t metrics_bytes) const;
  /// Goes on from a checkpoint in a start of its own; says on rank 0 what differs. Returns the next step.
  Position resume(const Resumed& resumed);
  /// Takes weights, moments and banks from a checkpoint while training: what validation has found so far stays, and the
  /// steps count on. `epoch`: the present one; visits of an older one do not belong to it.
  void roll_back(const Resumed& resumed, std::int64_t epoch);

  /// On rank 0: the averaged weights where there are any, since those are what was validated.
  void save_weights(const RunFolder& folder, const std::string& name, std::int64_t epoch);
  Tuning tuning() const;  ///< as configured

  const Config& config;
  const TrainingData& data;
  comm::World& world;
  data::TrainLoader loader;
  TrainingState state;
  Interval interval;
  Stepper stepper;
  BestSoFar best;
  double temperature = 1;
  at::Tensor validation_features;     ///< of the last validation; undefined: none since the start or the resume
  std::int64_t skipped_in_a_row = 0;  ///< steps, in log intervals without a finite one
  int roll_backs = 0;                 ///< in log intervals without a wholly finite one between
  std::int64_t steps = 0;             ///< taken since the run began
  Tuning tuned{0, 0};                 ///< what the tuner has found; no threads: it was not asked

 private:
  /// What the bits of a run depend on, beside its configuration and data.
  std::string bitwise() const;
};

}  // namespace penumbra::trainer
