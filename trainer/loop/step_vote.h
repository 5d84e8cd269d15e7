#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"

namespace penumbra::trainer {

/// What the ranks tell each other once a step, at no cost: sent when the step begins, read when it has ended.
class StepVote {
 public:
  struct Ballot {
    bool stop = false;        ///< this rank was asked to stop
    bool checkpoint = false;  ///< it is time for a checkpoint
    bool written = false;     ///< this rank's shard of the last one is on the disk
  };

  explicit StepVote(comm::Collective& collective);
  /// All ranks call.
  void cast(const Ballot& ballot);
  /// stop, checkpoint: any rank's; written: all ranks'. The same on every rank.
  Ballot count();

 private:
  comm::Collective& collective_;
  at::Tensor votes_;  ///< [3] fp64
  std::optional<comm::Work> under_way_;
};

}  // namespace penumbra::trainer
