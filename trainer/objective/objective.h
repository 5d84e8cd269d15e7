#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "data/loader.h"
#include "trainer/nets/attention.h"
#include "trainer/nets/dual_net.h"
#include "trainer/objective/class_balance.h"
#include "trainer/objective/uncertainty_bank.h"

namespace penumbra::trainer {

struct ObjectiveOptions;

/// Where in the run a step is: both in epochs, t real.
struct Progress {
  double epoch = 0, epochs = 1;
};

/// What of the objective depends on where in the run a step is: 0-dim tensors of any floating-point type on the nets'
/// device, so that a recorded step reads new ones (method.md, sections 4 and 5).
struct Ramps {
  at::Tensor coupling;     ///< rho(t) in [0, 1], of the coupling terms
  at::Tensor soft_labels;  ///< rho_beta(t) in [0, 1]; 0 in the warm-up
  at::Tensor weighted;     ///< 1: samples have their weights; 0, in the warm-up: all have 1
};

/// fp64, in host memory.
Ramps ramps_at(const ObjectiveOptions& options, Progress progress);

/// The loss of one batch and what is logged of it. All scalars are fp32 tensors on the device, already divided by the
/// *global* batch: summed over the ranks they are the global batch's.
struct Objective {
  at::Tensor total;                                            ///< with gradient
  at::Tensor ce_original, ce_ambiguous, attention, alignment;  ///< unweighted terms, detached; 0 when off
  at::Tensor correct_original;   ///< share of the global batch where argmax z_o is the hard label
  at::Tensor correct_ambiguous;  ///< the same for argmax z and the ambiguous view's dominant label (its source's:
                                 ///< lambda >= 1/2)
  at::Tensor moved;              ///< soft-label mass moved: sum_i beta_i (1 - Q_i[y_i]) / global batch
  at::Tensor empty_attention;    ///< share of the global batch with an empty V
  at::Tensor posterior;          ///< f_o's posterior at tau = 1 [B, C], detached: what the bank stores
  at::Tensor divergence;         ///< D [B] = JS(m, p_a) / ln 2, detached; undefined without ambiguous views
};

/// Local sums over batch.global_size, so that ranks add up. ce_only: CE(y, z_o). mixup_only: CE(y, z_o) + CE(lambda y_i
/// + (1 - lambda) y_partner, z) on f_o's ambiguous views, without soft labels, weights or coupling. full: method.md,
/// section 5. `balance` is for the two cross-entropies. Reads nothing back from the device. Throws
/// std::invalid_argument when beta_max is outside [0, 0.5].
Objective objective(const Views& views, const data::Batch& batch, const UncertaintyBank& bank, DualNet& nets,
                    const ObjectiveOptions& options, const Ramps& ramps, const ClassBalance& balance = {});

}  // namespace penumbra::trainer
