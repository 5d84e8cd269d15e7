#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <c10/core/Event.h>

#include "comm/gpu/device_graph.h"
#include "trainer/loop/interval.h"
#include "trainer/loop/step.h"

namespace penumbra::trainer {

/// What steps can be recorded into, or why they will not be.
struct StepGraph {
  std::unique_ptr<comm::DeviceGraph> graph;
  std::string problem;
};

/// What train.graph asks for, as far as it can hold: on a GPU, and with several ranks only where gradients travel over
/// NCCL in whole. Of this rank alone: NCCL wants all ranks to record, or none.
StepGraph graph_for(const Config& config, const comm::Collective& collective, at::Device device);

/// Takes training steps and adds them to the log interval: operator by operator, or with a graph the first steps so and
/// the others as one launch each. A batch of another shape than the recorded one is always taken by operators. Never
/// more than two steps ahead of the device.
class Stepper {
 public:
  /// All but `graph` must outlive this.
  Stepper(const Config& config, TrainingState& state, Interval& interval, comm::Collective& collective,
          std::unique_ptr<comm::DeviceGraph> graph);

  /// `batch` in host memory; `count` is the number of this step in the run, from 1; `wait_seconds` were spent waiting
  /// for the batch. All ranks call. Throws what training_step() does, and CommError.
  void take(const data::Batch& batch, Progress progress, std::int64_t count, double wait_seconds);
  /// Whether steps are launched as a recorded one.
  bool replays() const { return recorded_.has_value(); }

 private:
  /// Where the recorded step finds what it is of.
  struct Inputs {
    data::Batch batch;
    at::Tensor pace;
  };

  void record(const data::Batch& batch, const at::Tensor& pace);
  StepSeconds by_operators(const data::Batch& batch, const at::Tensor& pace);
  StepSeconds replay(const at::Tensor& pace);
  void limit_lead();

  const Config& config_;
  TrainingState& state_;
  Interval& interval_;
  comm::Collective& collective_;
  std::unique_ptr<comm::DeviceGraph> graph_;
  std::optional<Inputs> recorded_;
  std::int64_t steps_before_recording_;
  std::array<std::optional<c10::Event>, 2> ends_;  ///< of the last steps, on a device
  std::size_t next_ = 0;                           ///< of them
};

}  // namespace penumbra::trainer
