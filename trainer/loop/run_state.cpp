#include "trainer/loop/run_state.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "comm/gradient_sync_options.h"
#include "comm/lateness.h"
#include "data/loader_options.h"
#include "trainer/checkpoint/training_arrays.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/loop/training_options.h"
#include "trainer/optim/learning_rate.h"
#include "trainer/version.h"

namespace penumbra::trainer {

namespace {

constexpr int kCoresBesideRenderer = 2;  ///< of a rank with a GPU: the loop's, and autograd's
constexpr int kMostThreads = 16;         ///< unless more are asked for: each holds a batch in page-locked memory

data::LoaderOptions loader_options(const Config& config, const data::Windows& windows, at::Device device, int cores) {
  data::LoaderOptions options = *config.loader;
  if (options.threads == 0)
    options.threads = device.is_cpu() ? 1 : std::clamp(cores - kCoresBesideRenderer, 1, kMostThreads);
  options.plan.windows = windows;
  options.pinned = !device.is_cpu();
  return options;
}

std::unique_ptr<comm::DeviceGraph> graph_if_any(const Config& config, comm::World& world, at::Device device) {
  StepGraph made = graph_for(config, world.collective(), device);
  const std::vector<std::string> problems = world.all_gather(made.problem);
  const auto problem = std::ranges::find_if(problems, [](const std::string& text) { return !text.empty(); });
  if (problem == problems.end()) return std::move(made.graph);
  const bool expected = world.size() == 1 && !device.is_cpu() && config.train->graph != GraphChoice::off;
  if ((expected || config.train->graph == GraphChoice::on) && world.rank() == 0)
    spdlog::warn("steps are not launched as a CUDA graph: rank {}: {}", problem - problems.begin(), *problem);
  return nullptr;
}

}  // namespace

RunState::RunState(const Config& config_, const TrainingData& data_, comm::World& world_, at::Device device,
                   const std::optional<Pretrained>& pretrained)
    : config(config_),
      data(data_),
      world(world_),
      loader(data.train, loader_options(config, data.windows, device, world.cores()), {world.rank(), world.size()},
             &data.variants),
      state(config, data.train, world.collective(), device, pretrained),
      interval(world.collective(), device),
      stepper(config, state, interval, world.collective(), graph_if_any(config, world, device)),
      best(config.evaluation->best, config.evaluation->patience) {
  world.require_agreement("parameter layout", state.parameters.layout());
}

double RunState::take_step(std::int64_t epoch, std::int64_t step, FaultPlan& faults) {
  faults.reach(FaultPoint::step, steps);
  data::Batch batch = loader.next();
  if (faults.spoils(steps)) batch.weak.fill_(std::numeric_limits<float>::quiet_NaN());
  const auto start = std::chrono::steady_clock::now();
  stepper.take(batch, progress(epoch, step), ++steps, loader.take_wait_seconds());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Progress RunState::progress(std::int64_t epoch, std::int64_t step) const {
  const double share = (static_cast<double>(step) + 0.5) / static_cast<double>(loader.steps_per_epoch());
  return {static_cast<double>(epoch) + share, static_cast<double>(config.train->epochs)};
}

IntervalReport RunState::report(std::int64_t epoch, std::int64_t step) {
  IntervalReport r = interval.take(config.loader->global_batch);
  r.lateness = comm::lateness(world);
  if (!r.lateness.empty()) {
    const auto latest = std::max_element(r.lateness.begin(), r.lateness.end());
    r.latest_rank = static_cast<int>(latest - r.lateness.begin());
    r.latest_seconds = *latest;
  }
  r.epoch = epoch;
  r.epochs = config.train->epochs;
  r.step = step;
  r.steps = loader.steps_per_epoch();
  const Progress now = progress(epoch, step - 1);
  r.learning_rate =
      learning_rate_at(*config.schedule, now.epoch, now.epochs, static_cast<double>(config.loader->global_batch));
  return r;
}

std::string RunState::bitwise() const {
  return fmt::format("penumbra {}, torch {}, {} ranks of {} threads on {}, {} buckets", kVersion, kTorchVersion,
                     world.size(), at::get_num_threads(), state.device.is_cpu() ? "CPUs" : "GPUs",
                     state.gradients.buckets());
}

Manifest RunState::manifest(const Start& start, Position next, std::uint64_t metrics_bytes) const {
  Manifest manifest;
  manifest.incarnation = start.incarnation;
  manifest.position = next;
  manifest.steps = steps;
  manifest.interval_steps = interval.steps();
  manifest.average_updates = state.average ? state.average->updates() : 0;
  manifest.ranks = world.size();
  manifest.metrics_bytes = metrics_bytes;
  manifest.has_best = best.best().has_value();
  manifest.best = best.best().value_or(0);
  manifest.since_best = best.since();
  manifest.temperature = temperature;
  manifest.skipped_in_a_row = skipped_in_a_row;
  manifest.roll_backs = roll_backs;
  manifest.classes = data.train.info.classes;
  manifest.channels = data.train.info.channels;
  manifest.image_size = data.train.info.image_size;
  manifest.config = to_toml(config);
  manifest.data = start.data;
  manifest.bitwise = bitwise();
  manifest.bucket_bytes = tuned.bucket_bytes;
  manifest.threads = tuned.threads;
  return manifest;
}

Position RunState::resume(const Resumed& resumed) {
  const Manifest& then = resumed.manifest;
  if (then.threads > 0) {
    tuned = {then.bucket_bytes, then.threads};
    at::set_num_threads(std::min(then.threads, world.cores()));
    if (state.gradients.can_rebucket()) state.gradients.rebucket(then.bucket_bytes);
  }
  restore(state, interval, resumed.arrays, then.ranks, world.collective());
  steps = then.steps;
  if (state.average) state.average->resume_at(then.average_updates);
  interval.resume_at(then.interval_steps);
  best.resume_at(then.has_best ? std::optional(then.best) : std::nullopt, then.since_best);
  temperature = then.temperature;
  skipped_in_a_row = then.skipped_in_a_row;
  roll_backs = then.roll_backs;
  if (world.rank() == 0) {
    spdlog::info("resumed from {}, after {} steps", resumed.name, steps);
    if (then.bitwise != bitwise())
      spdlog::info("the same up to rounding, not bit for bit: it was {}, now it is {}", then.bitwise, bitwise());
  }
  return then.position;
}

void RunState::roll_back(const Resumed& resumed, std::int64_t epoch) {
  state.gradients.await_values();  // none may arrive on top
  restore(state, interval, resumed.arrays, resumed.manifest.ranks, world.collective());
  if (resumed.manifest.position.epoch != epoch) state.bank.visits().zero_();
  if (state.average) state.average->resume_at(resumed.manifest.average_updates);
  interval.restart();
}

void RunState::save_weights(const RunFolder& folder, const std::string& name, std::int64_t epoch) {
  if (world.rank() != 0) return;
  state.gradients.await_values();
  if (state.average) state.average->swap();
  save_model(folder, name, state.nets, data.train.info,
             {epoch, temperature, config.evaluation->head, validation_features});
  if (state.average) state.average->swap();
}

Tuning RunState::tuning() const { return {config.sync->bucket_bytes, at::get_num_threads()}; }

}  // namespace penumbra::trainer
