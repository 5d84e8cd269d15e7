#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/objective/objective.h"

namespace penumbra::trainer {

/// Per-sample quantities of method.md, section 3.
struct AttentionConsistency {
  at::Tensor loss;  ///< [B]: mean over classes and V of (T_i - A_a,i)^2, normalised; 0 where V is empty. With gradient.
  at::Tensor empty;  ///< [B] bool: V is empty
};

/// `original`, `ambiguous`: attention maps of the two nets [B, C, h, w]. With an unmixed target, and for unmixed views
/// (lambda = 1), V asks for the own warp only.
AttentionConsistency attention_consistency(const at::Tensor& original, const at::Tensor& ambiguous,
                                           const data::Batch& batch, ReceptiveField field,
                                           const ObjectiveOptions& options);

}  // namespace penumbra::trainer
