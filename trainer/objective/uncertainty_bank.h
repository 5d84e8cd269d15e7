#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"
#include "comm/flat_parameters.h"
#include "trainer/objective/uncertainty_options.h"

namespace penumbra::trainer {

/// Rows of the snapshot for one batch; no gradient.
struct BankRows {
  at::Tensor posterior;     ///< Q [B, C]; uniform where never visited
  at::Tensor uncertainty;   ///< u [B] in [0, 1]; 0 where never visited
  at::Tensor disagreement;  ///< n [B] in [0, 1] = JS(y, Q) / ln 2; 0 where never visited
  at::Tensor weight;        ///< w [B], mean 1 over the snapshot
};

/// The two banks over the training set, double-buffered: an epoch reads only the snapshot of the last one, its visits
/// write the next (method.md, section 4). Q: [N, C] f_o's posterior; D: [N] JS of the two label spaces.
/// Not thread-safe; every rank holds all rows. Its tensors stay where they are: a recorded step finds new values there.
class UncertaintyBank {
 public:
  /// `labels`: y [N, C] fp32 (one-hot or votes), `hard`: [N] int64.
  UncertaintyBank(at::Tensor labels, at::Tensor hard, UncertaintyOptions options);

  BankRows rows(const at::Tensor& sample) const;
  /// Labels y of the batch, [B, C].
  at::Tensor labels(const at::Tensor& sample) const;
  /// Hard labels of the batch, [B] int64.
  at::Tensor hard_labels(const at::Tensor& sample) const;
  /// Adds this batch's visits: sample [B] int64, posterior [B, C], divergence D [B] (undefined tensor: zeros). A row
  /// that is not finite is no visit.
  void update(const at::Tensor& sample, const at::Tensor& posterior, const at::Tensor& divergence);
  /// Merges all ranks' visits and makes the next snapshot: B' = momentum B + (1 - momentum) mean; the first visit
  /// copies. All ranks call.
  void end_epoch(comm::Collective& collective);

  /// What an epoch reads, for checkpoints: posterior [N, C], divergence [N], visited [N] bool. After filling them call
  /// refresh().
  std::vector<comm::NamedTensor> snapshot() const {
    return {{"posterior", posterior_}, {"divergence", divergence_}, {"visited", visited_}};
  }
  /// This rank's visits of the epoch, [N, C + 2]: sums of posterior and divergence, and their number.
  const at::Tensor& visits() const { return sums_; }
  /// Derives u, n and w from the snapshot.
  void refresh();

  const at::Tensor& uncertainty() const {
    return uncertainty_;
  }  ///< u [N] of the snapshot, also where rows() is `constant`
  const at::Tensor& disagreement() const { return disagreement_; }  ///< n [N] of the snapshot

 private:
  UncertaintyOptions options_;
  at::Tensor labels_, hard_;
  at::Tensor posterior_, divergence_, visited_;  // the snapshot: [N, C], [N], [N] bool
  at::Tensor sums_;                              // [N, C + 2]: posterior, divergence, count of this epoch
  at::Tensor uncertainty_, disagreement_, weight_;
};

}  // namespace penumbra::trainer
