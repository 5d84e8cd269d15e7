#pragma once

#include <cstdint>

#include "comm/cost_model.h"
#include "trainer/config.h"

namespace penumbra::trainer {

/// What one rank's step costs on this machine.
struct TrialStep {
  comm::StepProfile profile;  ///< medians over the steps
  double tail = 0;            ///< seconds of the step after backward
  std::int64_t parameters = 0, optimizer_values = 0, average_values = 0, images = 0;
};

/// Measures `steps` steps of a rank with a share of `images` random faces, as one of two ranks whose traffic costs
/// nothing. Image size and number of classes are the configuration's (48 px, 8 classes where it leaves them open).
TrialStep time_steps(const Config& config, std::int64_t images, int channels, int steps);

}  // namespace penumbra::trainer
