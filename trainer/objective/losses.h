#pragma once

#include <ATen/core/Tensor.h>

namespace penumbra::trainer {

// Per-sample losses, [B], computed in fp32 (fp64 for fp64 input), of rows [B, C]. Distributions are rows that sum to 1;
// everything in nats. Logarithms may be -inf: below -1e4 they count as -1e4, so that 0 log 0 = 0 and gradients stay
// finite.

/// -sum_c target_c log softmax(logits)_c. No gradient to the target.
at::Tensor soft_cross_entropy(const at::Tensor& logits, const at::Tensor& target);
/// H(p), 0 log 0 = 0.
at::Tensor entropy(const at::Tensor& p);
/// KL(p || q) from logarithms, >= 0.
at::Tensor kl_divergence(const at::Tensor& log_p, const at::Tensor& log_q);
/// JS(p, q) in [0, ln 2] from logarithms.
at::Tensor js_divergence(const at::Tensor& log_p, const at::Tensor& log_q);
/// log(lambda exp(log_p) + (1 - lambda) exp(log_q)), lambda [B].
at::Tensor log_mixture(const at::Tensor& log_p, const at::Tensor& log_q, const at::Tensor& lambda);
/// Swaps partners: row b becomes row b^1 (a flip of the [B/2, 2] view); any trailing dimensions, B even.
at::Tensor partner_rows(const at::Tensor& rows);

}  // namespace penumbra::trainer
