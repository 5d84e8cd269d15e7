#pragma once

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

}  // namespace penumbra::trainer
