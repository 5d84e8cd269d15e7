#include "trainer/loop/stepper.h"

#include <exception>
#include <utility>

#include <ATen/ops/zeros.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <spdlog/spdlog.h>

#include "comm/gradient_sync_options.h"
#include "comm/timing.h"
#include "trainer/loop/training_options.h"

namespace penumbra::trainer {
namespace {

constexpr std::int64_t kWarmUpSteps = 3;  ///< in which libraries choose their algorithms and allocate

std::string obstacle(const Config& config, const comm::Collective& collective, at::Device device) {
  if (device.is_cpu()) return "there is no GPU";
  if (config.train->tune_steps > 0) return "train.tune_steps compares steps";
  if (collective.world_size() == 1) return "";
  if (!collective.can_be_recorded()) return "gradients go through host memory";
  if (config.sync->mode == comm::SyncMode::sharded) return "sync.mode = \"sharded\" hands values over between steps";
  return "";
}

}  // namespace

StepGraph graph_for(const Config& config, const comm::Collective& collective, at::Device device) {
  const bool several = collective.world_size() > 1;
  if (config.train->graph == GraphChoice::off) return {nullptr, "train.graph = \"off\""};
  if (config.train->graph == GraphChoice::automatic && several) return {nullptr, "several ranks: train.graph = \"on\""};
  if (std::string problem = obstacle(config, collective, device); !problem.empty())
    return {nullptr, std::move(problem)};
  try {
    return {comm::make_cuda_graph(), ""};
  } catch (const std::exception& error) {
    return {nullptr, error.what()};
  }
}

Stepper::Stepper(const Config& config, TrainingState& state, Interval& interval, comm::Collective& collective,
                 std::unique_ptr<comm::DeviceGraph> graph)
    : config_(config),
      state_(state),
      interval_(interval),
      collective_(collective),
      graph_(std::move(graph)),
      steps_before_recording_(kWarmUpSteps) {}

void Stepper::take(const data::Batch& batch, Progress progress, std::int64_t count, double wait_seconds) {
  const at::Tensor pace = pace_numbers(config_, progress, count, batch.global_size);
  limit_lead();
  if (graph_ && !recorded_ && --steps_before_recording_ < 0) record(batch, pace);
  const bool fits = recorded_ && data::copy_batch(batch, recorded_->batch);
  StepSeconds seconds = fits ? replay(pace) : by_operators(batch, pace);
  seconds.optimizer += comm::seconds_of([&] { follow_weights(state_); });
  interval_.count(seconds, wait_seconds);
}

/// Waits until the device has no more than the last two steps before it.
void Stepper::limit_lead() {
  if (state_.device.is_cpu()) return;
  std::optional<c10::Event>& end = ends_[next_];
  if (end) end->synchronize();
  if (!end) end.emplace(state_.device.type());
  end->record(c10::impl::VirtualGuardImpl(state_.device.type()).getStream(state_.device));
  next_ = (next_ + 1) % ends_.size();
}

void Stepper::record(const data::Batch& batch, const at::Tensor& pace) {
  recorded_ = Inputs{data::to_device(batch, state_.device), pace_on(state_.device, pace)};
  const auto step = [this] {
    interval_.add(training_step(state_, recorded_->batch, config_, pace_of(recorded_->pace)));
  };
  const at::Tensor failures = at::zeros({1});
  try {
    collective_.record([&] { graph_->record(step); });
  } catch (const std::exception& error) {
    failures.fill_(1);
    spdlog::warn("rank {}: a step cannot be recorded as a CUDA graph, training goes on without: {}", collective_.rank(),
                 error.what());
  }
  collective_.all_reduce_sum(failures).wait();
  if (failures.item<float>() > 0) {
    graph_.reset();
    recorded_.reset();
  } else if (collective_.rank() == 0) {
    spdlog::info("steps are launched as a CUDA graph from here on");
  }
}

StepSeconds Stepper::by_operators(const data::Batch& batch, const at::Tensor& pace) {
  const StepResult result =
      training_step(state_, data::to_device(batch, state_.device), config_, pace_of(pace_on(state_.device, pace)));
  interval_.add(result);
  return result.seconds;
}

/// The batch is there already.
StepSeconds Stepper::replay(const at::Tensor& pace) {
  recorded_->pace.copy_(pace, /*non_blocking=*/true);
  StepSeconds seconds;
  seconds.forward = comm::seconds_of([&] { collective_.replay([&] { graph_->launch(); }); });
  return seconds;
}

}  // namespace penumbra::trainer
