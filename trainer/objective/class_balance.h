#pragma once

#include <cstdint>
#include <span>

#include <ATen/core/Tensor.h>

namespace penumbra::trainer {

struct ClassBalanceOptions;

/// What a class of few faces is given in return, on the device. Undefined tensors: nothing.
struct ClassBalance {
  at::Tensor weight;  ///< [C] fp32, of a face by its hard label's class; over the training set they sum to N
  at::Tensor shift;   ///< [C] fp32, tau log pi_c with pi_c = n_c / N, added to the logits of the cross-entropies
};

/// `labels`: hard, in [0, classes). A class without faces counts as one with one face.
ClassBalance class_balance(std::span<const std::int32_t> labels, std::int64_t classes,
                           const ClassBalanceOptions& options, at::Device device = at::kCPU);

}  // namespace penumbra::trainer
