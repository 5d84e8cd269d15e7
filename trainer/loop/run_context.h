#pragma once

#include "comm/world.h"
#include "trainer/checkpoint/start.h"
#include "trainer/config.h"
#include "trainer/faults/fault_plan.h"
#include "trainer/loop/stop_request.h"
#include "trainer/loop/training_data.h"
#include "trainer/run_folder.h"
#include "trainer/telemetry/telemetry.h"

namespace penumbra::trainer {

/// What surrounds a training on one rank. All must outlive it.
struct RunContext {
  comm::World& world;
  at::Device device;
  const RunFolder& folder;
  const CheckpointFolder& checkpoints;
  const Start& start;
  StopRequest& stop;
  FaultPlan& faults;
  Telemetry& telemetry;
};

}  // namespace penumbra::trainer
