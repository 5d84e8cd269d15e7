#include "trainer/loop/step_vote.h"

#include <ATen/ops/zeros.h>

namespace penumbra::trainer {

StepVote::StepVote(comm::Collective& collective) : collective_(collective), votes_(at::zeros({3}, at::kDouble)) {}

void StepVote::cast(const Ballot& ballot) {
  auto* votes = votes_.mutable_data_ptr<double>();
  votes[0] = ballot.stop;
  votes[1] = ballot.checkpoint;
  votes[2] = ballot.written;
  under_way_ = collective_.all_reduce_sum(votes_);
}

StepVote::Ballot StepVote::count() {
  under_way_->wait();
  const auto* votes = votes_.const_data_ptr<double>();
  return {votes[0] > 0, votes[1] > 0, votes[2] == collective_.world_size()};
}

}  // namespace penumbra::trainer
