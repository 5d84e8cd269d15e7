#pragma once

#include <string>
#include <vector>

namespace penumbra::trainer {

struct StopOptions {
  double after_minutes = 0;                             ///< of this start; 0: no limit
  std::vector<std::string> signals = {"USR1", "USR2"};  ///< beside SIGTERM; also "HUP", "INT"
  double before_end_seconds = 60;  ///< this long before a Slurm job's time is over (SLURM_JOB_END_TIME)
};

}  // namespace penumbra::trainer
