#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "comm/flat_parameters.h"

namespace penumbra::trainer {

enum class OptimizerKind { sgd, adamw };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;        ///< sgd
  bool nesterov = true;         ///< sgd
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  ///< adamw
  double weight_decay = 5e-4;   ///< sgd: L2 in the gradient; adamw: decoupled. Only on segments with decay
  double clip_norm = 0;         ///< total gradient norm at most this; 0: no clipping
};

/// SGD or AdamW on the flat buffers, through ATen's fused kernels over runs of segments with equal decay.
/// Same result as torch.optim's on the single tensors.
class FlatOptimizer {
 public:
  FlatOptimizer(comm::FlatParameters& parameters, OptimizerOptions options);
  /// One update from parameters.gradients(), which clipping scales in place. Returns the gradient's 2-norm before clipping, a 0-dim
  /// fp32 tensor on the device (no host sync).
  at::Tensor step(double learning_rate);
  std::int64_t steps() const { return steps_; }
  /// Moment buffers of the flat layout, for checkpoints: {momentum} or {first, second}.
  std::vector<comm::NamedTensor> state() const;

 private:
  struct Run { std::int64_t offset, size; bool decay; };
  comm::FlatParameters& parameters_;
  OptimizerOptions options_;
  std::vector<Run> runs_;
  at::Tensor first_, second_;
  std::int64_t steps_ = 0;
};

}  // namespace penumbra::trainer
