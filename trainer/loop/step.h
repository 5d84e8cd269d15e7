#pragma once

#include <optional>
#include <vector>

#include "comm/collective.h"
#include "comm/flat_parameters.h"
#include "comm/gradient_sync.h"
#include "trainer/config.h"
#include "trainer/objective/uncertainty_bank.h"
#include "trainer/optim/ema.h"

namespace penumbra::trainer {

/// Everything that changes while training, on `device`. Constructing it broadcasts rank 0's start state to all ranks.
struct TrainingState {
  TrainingState(const Config& config, const data::SampleSet& train, comm::Collective& collective,
                at::Device on = at::kCPU);
  TrainingState(const TrainingState&) = delete;  // the nets call back into it
  TrainingState& operator=(const TrainingState&) = delete;

  at::Device device;
  DualNet nets;
  comm::FlatParameters parameters;
  comm::GradientSync gradients;
  FlatOptimizer optimizer;
  UncertaintyBank bank;
  std::optional<WeightAverage> average;
};

struct StepResult {
  std::vector<Objective> parts;  ///< of the share, one an accumulated part: their scalars add up
  at::Tensor gradient_norm;      ///< of the whole gradient before clipping, 0-dim fp32
};

/// One step of the method on one rank's share of a global batch, which may lie in host memory, in train.accumulate
/// parts one after the other. No host sync.
StepResult training_step(TrainingState& state, const data::Batch& batch, const Config& config, Progress progress);

/// What the loss is trained on: one-hot [N, C] fp32, or the annotators' distribution.
at::Tensor training_labels(const data::SampleSet& set, Labels labels);

}  // namespace penumbra::trainer
