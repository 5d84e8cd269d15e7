#pragma once

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

}  // namespace penumbra::trainer
