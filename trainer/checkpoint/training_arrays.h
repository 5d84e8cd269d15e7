#pragma once

#include "trainer/checkpoint/arrays.h"
#include "trainer/loop/interval.h"
#include "trainer/loop/step.h"

namespace penumbra::trainer {

/// Copies this rank's share of all that changes while training to host memory: weights and averages by part_of(),
/// moments as the optimizer has them, the banks' snapshot by part_of() and their visits of this epoch where they are,
/// running statistics on rank 0, the log interval of each rank. Waits for values that are still on their way. `into` is
/// empty, or holds an earlier share of the same run, whose memory is used again.
void stage(TrainingState& state, const Interval& interval, comm::Collective& collective, StateArrays& into);

/// The reverse, on any number of ranks; with as many as `saved_ranks` all later sums over the ranks have the bits that
/// they would have had. Throws data::DataError where an array is missing or of another size.
void restore(TrainingState& state, Interval& interval, const WholeArrays& arrays, int saved_ranks,
             const comm::Collective& collective);

/// The nets alone, by their averaged weights where the checkpoint has them. Throws as restore() does.
void restore_nets(DualNet& nets, const WholeArrays& arrays);

/// The banks' snapshot alone. Throws as restore() does.
void restore_bank(UncertaintyBank& bank, const WholeArrays& arrays);

}  // namespace penumbra::trainer
