#pragma once

#include <optional>
#include <string>

#include "comm/world.h"
#include "trainer/checkpoint/resume.h"
#include "trainer/config.h"
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
  std::optional<Resumed> resumed;  ///< none: from the beginning
  std::string data;                ///< fingerprints of the training data
};

/// A new run, or the next incarnation of one: makes or reopens its folder, finds and checks what it goes on from, takes
/// its number. All ranks call. Throws ConfigError where the folder holds another run, data::DataError where a
/// checkpoint that was asked for is damaged; nothing is removed before that is known.
Start begin_run(StartOptions options, const Config& config, const std::string& data, const RunFolder& folder,
                const CheckpointFolder& checkpoints, comm::World& world);

}  // namespace penumbra::trainer
