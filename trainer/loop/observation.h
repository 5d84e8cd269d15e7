#pragma once

#include <array>
#include <cstdint>

#include <ATen/core/Tensor.h>

#include "trainer/nets/dual_net.h"
#include "trainer/objective/objective.h"

namespace penumbra::trainer {

inline constexpr std::int64_t kUncertaintyBuckets = 11;  ///< [0, .1], (.1, .2], ..., (.9, 1], and beyond by rounding

/// What a batch shows of the nets beside its losses, on the device and without gradient. The first of each pair is the
/// original space, the second the ambiguous one - f_a on ambiguous views, or f_o where it sees them -, 0 without it.
struct Observation {
  /// 0-dim, already divided by the global batch: summed over the ranks they are the global batch's.
  at::Tensor agreement;                   ///< share of faces for which both spaces' posteriors peak at the same class
  std::array<at::Tensor, 2> uncertainty;  ///< mean entropy over ln C
  std::array<at::Tensor, 2> attention_norm;    ///< mean 2-norm of the label's attention map, over the root of its cells
  std::array<at::Tensor, 2> attention_spread;  ///< mean standard deviation over its cells
  /// Sums over this rank's faces.
  at::Tensor histogram;          ///< [2, kUncertaintyBuckets] of the uncertainty
  at::Tensor class_uncertainty;  ///< [2, C] by hard label
  at::Tensor class_count;        ///< [C]
  at::Tensor mix_moments;        ///< [3, 3] double, of the products of 1, lambda and D; 0 without ambiguous views
};

/// `hard`: labels [B] int64.
Observation observe(const Views& views, const data::Batch& batch, const at::Tensor& hard, DualNet& nets,
                    const Objective& objective);

}  // namespace penumbra::trainer
