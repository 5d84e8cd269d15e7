#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/objective/objective_options.h"
#include "trainer/objective/uncertainty_bank.h"

namespace penumbra::trainer {

/// s = (1 - beta) y + beta Q (method.md, section 4). No gradient.
struct SoftLabels {
  at::Tensor target;  ///< s [B, C]
  at::Tensor beta;    ///< [B] in [0, beta_max rho]
};

/// `labels` y [B, C]; `ramp` is rho_beta in [0, 1], 0-dim. Throws std::invalid_argument unless 0 <= beta_max <= 0.5:
/// the given label keeps at least half.
SoftLabels soft_labels(const at::Tensor& labels, const BankRows& rows, double beta_max, const at::Tensor& ramp,
                       Trust trust);

}  // namespace penumbra::trainer
