#pragma once

#include <optional>
#include <vector>

#include "comm/world.h"
#include "data/loader.h"
#include "trainer/checkpoint/start.h"
#include "trainer/config.h"
#include "trainer/loop/stop_request.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {

/// The sets of a run, on every rank.
struct TrainingData {
  data::SampleSet train;
  std::optional<data::SampleSet> validation;  ///< none: no "best", no early stopping
  std::vector<data::StoredVariant> variants;  ///< for ambiguous.mode = "stored"
};

/// Trains on `device` to the last epoch, or until patience ends: steps, validation, checkpoints, best and final
/// weights. False when it was asked to stop, after a checkpoint. Every rank calls; rank 0 prints and writes. An
/// exception on one rank alone leaves the others waiting: the caller aborts.
bool train(const Config& config, const TrainingData& data, comm::World& world, at::Device device,
           const RunFolder& folder, const CheckpointFolder& checkpoints, const Start& start, StopRequest& stop);

/// One step, one validation pass and one file of weights in a folder of its own, which is removed; prints what they
/// took. Nothing of the run is left behind.
void dry_run(const Config& config, const TrainingData& data, comm::World& world, at::Device device);

}  // namespace penumbra::trainer
