#include "trainer/objective/soft_label.h"

#include <stdexcept>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/maximum.h>

namespace penumbra::trainer {

SoftLabels soft_labels(const at::Tensor& labels, const BankRows& rows, double beta_max, const at::Tensor& ramp,
                       Trust trust) {
  if (!(beta_max >= 0 && beta_max <= 0.5)) {
    throw std::invalid_argument("soft labels: beta_max " + std::to_string(beta_max) + " is outside [0, 0.5]");
  }
  const auto doubt = trust == Trust::disagreement ? at::maximum(rows.uncertainty, rows.disagreement) : rows.uncertainty;
  const auto beta = (beta_max * ramp) * doubt;
  const auto share = beta.unsqueeze(1);
  return {(1 - share) * labels + share * rows.posterior, beta};
}

}  // namespace penumbra::trainer
