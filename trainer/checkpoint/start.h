#pragma once

#include <optional>
#include <string>

#include "comm/world.h"
#include "trainer/checkpoint/resume.h"
#include "trainer/config.h"
#include "trainer/loop/training_data.h"
#include "trainer/nets/pretrained.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {

/// How the user wants a run to begin.
struct StartOptions {
  bool overwrite = false;       ///< anew, whatever run.dir holds
  std::string resume = "auto";  ///< from run.dir's newest whole checkpoint; "never"; or a checkpoint's folder
};

/// Where a start of a run begins, and what its checkpoints say of it.
struct Start {
  bool done = false;  ///< the run is finished: nothing is left to do
  int incarnation = 0;
  std::optional<Resumed> resumed;        ///< none: from the beginning
  std::optional<Pretrained> pretrained;  ///< on rank 0, from the beginning: what the nets begin with
  std::string data;                      ///< fingerprints of the training data
};

/// A new run, or the next incarnation of one: makes or reopens its folder, finds and checks what it goes on from, takes
/// its number. All ranks call. A run that begins, and not from a checkpoint, reads net.pretrained. Throws ConfigError
/// where the folder holds another run, data::DataError where a checkpoint or weights that were asked for are damaged;
/// nothing is removed before that is known.
Start begin_run(StartOptions options, const Config& config, const TrainingData& data, const RunFolder& folder,
                const CheckpointFolder& checkpoints, comm::World& world);

}  // namespace penumbra::trainer
