#pragma once

#include <cstdint>

namespace penumbra::trainer {

struct CheckpointOptions {
  std::int64_t every_steps = 0;  ///< 0: not by steps
  double every_minutes = 10;     ///< by rank 0's clock; 0: not by time
  std::int64_t keep = 2;         ///< the newest so many
  bool best = true;              ///< one more after each best validation, kept until there is a better one
};

}  // namespace penumbra::trainer
