#pragma once

#include <optional>
#include <vector>

#include "comm/collective.h"
#include "comm/flat_parameters.h"
#include "comm/gradient_sync.h"
#include "trainer/config.h"
#include "trainer/loop/observation.h"
#include "trainer/loop/pace.h"
#include "trainer/nets/dual_net.h"
#include "trainer/nets/pretrained.h"
#include "trainer/objective/uncertainty_bank.h"
#include "trainer/optim/ema.h"
#include "trainer/optim/flat_optimizer.h"
#include "trainer/optim/sharpness.h"

namespace penumbra::trainer {

enum class Labels;  // trainer/loop/training_options.h

/// Everything that changes while training, on `device`. Constructing it broadcasts rank 0's start state to all ranks.
struct TrainingState {
  /// `pretrained`: on rank 0, what both nets begin with; none: their random weights.
  TrainingState(const Config& config, const data::SampleSet& train, comm::Collective& collective,
                at::Device on = at::kCPU, const std::optional<Pretrained>& pretrained = {});
  TrainingState(const TrainingState&) = delete;  // the nets call back into it
  TrainingState& operator=(const TrainingState&) = delete;

  at::Device device;
  DualNet nets;
  comm::FlatParameters parameters;
  std::vector<comm::Interval> net_intervals;  ///< of f_o, and of f_a where there is one
  comm::GradientSync gradients;
  FlatOptimizer optimizer;
  UncertaintyBank bank;
  ClassBalance balance;
  std::optional<WeightAverage> average;
  std::optional<SharpnessAscent> ascent;
};

/// Where a step's time goes, in seconds on the host: on a GPU until the work is handed over. Of a replayed step all of
/// it is `forward`.
struct StepSeconds {
  double forward = 0, backward = 0;  ///< the forward pass with the objective; the backward pass
  double exposed = 0;                ///< waiting for the wire
  double optimizer = 0;              ///< the update; the averages, which Stepper adds
};

struct StepResult {
  std::vector<Objective> parts;           ///< of the share, one an accumulated part: their scalars add up
  std::vector<Observation> observations;  ///< the same
  at::Tensor net_norms;                   ///< 2-norms of each net's gradient before clipping, [nets] fp32
  at::Tensor gradient_norm;               ///< of the whole gradient, 0-dim fp32
  StepSeconds seconds;
};

/// One step of the method on one rank's share of a global batch, in train.accumulate parts one after the other; batch
/// and pace lie on the state's device. No host sync, and nothing that changes from step to step but through tensors
/// that stay where they are: it can be recorded. A sharpness-aware step tells of the nets and the losses at the weights
/// it began with, and of the gradient that it took.
StepResult training_step(TrainingState& state, const data::Batch& batch, const Config& config, const Pace& pace);

/// To be called after each step, once its values are shared: the averaged weights follow, where there are any.
void follow_weights(TrainingState& state);

/// What the loss is trained on, y [N, C] fp32: one-hot, or the annotators' distribution. With smoothing e it becomes
/// (1 - e) y + e / C (Szegedy et al., "Rethinking the Inception architecture", CVPR 2016).
at::Tensor training_labels(const data::SampleSet& set, Labels labels, double smoothing = 0);

/// The banks that a training on `train` begins with.
UncertaintyBank empty_bank(const data::SampleSet& train, const Config& config, at::Device on = at::kCPU);

}  // namespace penumbra::trainer
