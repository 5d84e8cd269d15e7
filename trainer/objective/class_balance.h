#pragma once

#include <cstdint>
#include <span>

#include <ATen/core/Tensor.h>

namespace penumbra::trainer {

/// How much a face counts in the cross-entropies, by the number n of faces of its class: alike, as 1 / n, or as
/// (1 - beta) / (1 - beta^n), one over the effective number of faces (Cui et al., CVPR 2019): beta 0 is `none`, beta 1
/// would be `inverse`.
enum class ClassWeights { none, inverse, effective };

struct ClassBalanceOptions {
  ClassWeights weights = ClassWeights::none;
  double beta = 0.999;          ///< effective; [0, 1)
  double logit_adjustment = 0;  ///< tau of Menon et al. (ICLR 2021): logits z + tau log pi while training; 0: off
};

/// What a class of few faces is given in return, on the device. Undefined tensors: nothing.
struct ClassBalance {
  at::Tensor weight;  ///< [C] fp32, of a face by its hard label's class; over the training set they sum to N
  at::Tensor shift;   ///< [C] fp32, tau log pi_c with pi_c = n_c / N, added to the logits of the cross-entropies
};

/// `labels`: hard, in [0, classes). A class without faces counts as one with one face.
ClassBalance class_balance(std::span<const std::int32_t> labels, std::int64_t classes,
                           const ClassBalanceOptions& options, at::Device device = at::kCPU);

}  // namespace penumbra::trainer
