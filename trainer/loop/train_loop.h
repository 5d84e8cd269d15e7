#pragma once

#include "trainer/config.h"
#include "trainer/loop/run_context.h"

namespace penumbra::trainer {

/// Trains to the last epoch, or until patience ends: steps, validation, checkpoints, best and final weights. False when
/// it was asked to stop, after a checkpoint. Every rank calls; rank 0 prints and writes. An exception on one rank alone
/// leaves the others waiting: the caller aborts.
bool train(const Config& config, const TrainingData& data, const RunContext& context);

/// One step, one validation pass and one file of weights in a folder of its own, which is removed; prints what they
/// took. Nothing of the run is left behind.
void dry_run(const Config& config, const TrainingData& data, comm::World& world, at::Device device,
             const std::optional<Pretrained>& pretrained);

}  // namespace penumbra::trainer
