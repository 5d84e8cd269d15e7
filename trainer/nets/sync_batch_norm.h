#pragma once

#include <ATen/core/Tensor.h>

#include "comm/collective.h"

namespace penumbra::trainer {

/// What a batch-norm layer holds: [K] fp32 each.
struct BatchNorm {
  at::Tensor weight, bias, running_mean, running_var;
};

inline constexpr double kNormMomentum = 0.1;
inline constexpr double kNormEpsilon = 1e-5;

/// Batch norm of x [B, K, h, w] with the statistics of all ranks' batches together (Ioffe and Szegedy, 2015, over the
/// global batch), and their gradient: ranks with shares of a batch compute what one rank computes with the whole. The
/// running statistics move, by the unbiased variance, alike on every rank. One all-reduce forward and one backward, in
/// the order of the calls, which must be the same on every rank. `collective` must outlive backward. Throws CommError.
at::Tensor sync_batch_norm(const at::Tensor& x, const BatchNorm& norm, comm::Collective& collective);

}  // namespace penumbra::trainer
