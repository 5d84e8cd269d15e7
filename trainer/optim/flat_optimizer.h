#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"
#include "comm/flat_parameters.h"
#include "trainer/optim/optimizer_options.h"

namespace penumbra::trainer {

/// SGD or AdamW on intervals of the flat buffers, through ATen's fused kernels over runs of segments with equal decay.
/// Same result as torch.optim's on the single tensors; the momentum starts as the first gradient. Clipping is
/// torch.nn.utils.clip_grad_norm_ over all segments together.
class FlatOptimizer {
 public:
  /// `owned`: the intervals that this rank updates, ascending. Moments exist for these alone. `parameters` must outlive
  /// the optimizer.
  FlatOptimizer(comm::FlatParameters& parameters, OptimizerOptions options, const std::vector<comm::Interval>& owned);
  /// One update from parameters.gradients(), which clipping scales in place. All three are 0-dim tensors on the
  /// device (no host sync): `count` is the number of this step, from 1, and `gradient_norm` the 2-norm of the whole
  /// gradient. With `skip_non_finite` nothing changes where that is not finite.
  void step(const at::Tensor& learning_rate, const at::Tensor& count, const at::Tensor& gradient_norm,
            bool skip_non_finite = false);
  /// Moment buffers of the owned intervals, one after the other, for checkpoints: {momentum} or {first, second}; none
  /// for SGD without momentum.
  std::vector<comm::NamedTensor> state() const;

 private:
  /// Intervals of the flat buffers that take the same weight decay.
  struct Group {
    std::vector<at::Tensor> values, gradients, first, second;
    double weight_decay = 0;
  };
  void update(Group& group, const at::Tensor& learning_rate, const at::Tensor& count,
              const std::optional<at::Tensor>& skip);

  comm::FlatParameters& parameters_;
  OptimizerOptions options_;
  at::Tensor first_, second_;
  std::vector<Group> groups_;
};

}  // namespace penumbra::trainer
