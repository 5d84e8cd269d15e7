#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"
#include "comm/flat_parameters.h"

namespace penumbra::trainer {

enum class OptimizerKind { sgd, adamw };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;                              ///< sgd
  bool nesterov = true;                               ///< sgd
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  ///< adamw
  double weight_decay = 5e-4;  ///< sgd: L2 in the gradient; adamw: decoupled. Only on segments with decay
  double clip_norm = 0;        ///< total gradient norm at most this; 0: no clipping
  double sam_radius = 0;       ///< SharpnessAscent's; 0: off
};

/// SGD or AdamW on intervals of the flat buffers, through ATen's fused kernels over runs of segments with equal decay.
/// Same result as torch.optim's on the single tensors; the momentum starts as the first gradient. Clipping is
/// torch.nn.utils.clip_grad_norm_ over all segments together.
class FlatOptimizer {
 public:
  /// `owned`: the intervals that this rank updates, ascending. Moments exist for these alone. `parameters` must outlive
  /// the optimizer.
  FlatOptimizer(comm::FlatParameters& parameters, OptimizerOptions options, const std::vector<comm::Interval>& owned);
  /// One update from parameters.gradients(), which clipping scales in place. `gradient_norm`: the 2-norm of the whole
  /// gradient, a 0-dim fp32 tensor on the device (no host sync). With `skip_non_finite` nothing changes but the count
  /// of steps where it is not finite.
  void step(double learning_rate, const at::Tensor& gradient_norm, bool skip_non_finite = false);
  std::int64_t steps() const { return steps_; }
  /// Moment buffers of the owned intervals, one after the other, for checkpoints: {momentum} or {first, second}; none
  /// for SGD without momentum.
  std::vector<comm::NamedTensor> state() const;
  /// After state() was filled from a checkpoint: goes on as if `steps` steps had been taken.
  void resume_at(std::int64_t steps) { steps_ = steps; }

 private:
  /// Intervals of the flat buffers that take the same weight decay.
  struct Group {
    std::vector<at::Tensor> values, gradients, first, second;
    double weight_decay = 0;
  };
  void update(Group& group, double learning_rate, const std::optional<at::Tensor>& skip);

  comm::FlatParameters& parameters_;
  OptimizerOptions options_;
  at::Tensor first_, second_;
  std::vector<Group> groups_;
  std::int64_t steps_ = 0;
};

}  // namespace penumbra::trainer
