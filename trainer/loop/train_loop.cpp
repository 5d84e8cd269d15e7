#include "trainer/loop/train_loop.h"

#include <algorithm>
#include <chrono>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "comm/lateness.h"
#include "data/error.h"
#include "trainer/checkpoint/checkpointer.h"
#include "trainer/checkpoint/training_arrays.h"
#include "trainer/evaluation/measures_json.h"
#include "trainer/exit_code.h"
#include "trainer/loop/interval.h"
#include "trainer/loop/step_vote.h"
#include "trainer/loop/tuner.h"
#include "trainer/loop/validation.h"
#include "trainer/version.h"

namespace penumbra::trainer {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

nlohmann::json to_json(const IntervalReport& r) {
  return {{"kind", "train"},
          {"epoch", r.epoch},
          {"step", r.step},
          {"loss", r.loss},
          {"ce_original", r.ce_original},
          {"ce_ambiguous", r.ce_ambiguous},
          {"attention", r.attention},
          {"alignment", r.alignment},
          {"accuracy_original", r.accuracy_original},
          {"accuracy_ambiguous", r.accuracy_ambiguous},
          {"soft_label_moved", r.moved},
          {"empty_attention", r.empty_attention},
          {"gradient_norm", r.gradient_norm},
          {"learning_rate", r.learning_rate},
          {"images_per_second", r.images_per_second},
          {"step_seconds", r.step_seconds},
          {"wait_seconds", r.wait_seconds},
          {"exposed_seconds", r.exposed_seconds},
          {"latest_rank", r.latest_rank},
          {"latest_seconds", r.latest_seconds}};
}

/// One run, as seen by one rank.
class Run {
 public:
  Run(const Config& config, const TrainingData& data, comm::World& world, at::Device device)
      : config_(config),
        data_(data),
        world_(world),
        loader_(data.train, config.loader, {world.rank(), world.size()}, &data.variants),
        state_(config, data.train, world.collective(), device),
        interval_(world.collective(), device),
        best_(config.evaluation.best, config.evaluation.patience) {
    world.require_agreement("parameter layout", state_.parameters.layout());
  }

  bool train(const RunFolder& folder, const CheckpointFolder& checkpoints, const Start& start, StopRequest& stop) {
    world_.recorder().enter_phase("training");
    const std::int64_t steps = loader_.steps_per_epoch(), epochs = config_.train.epochs;
    const Position from = start.resumed ? resume(*start.resumed) : Position{};
    if (config_.train.tune_steps > 0 && !start.resumed) {
      tuner_.emplace(config_.train.tune_steps, tuning(), fewest_cores(), state_.gradients, world_);
    }
    Checkpointer checkpointer(checkpoints, world_, config_.checkpoint.keep);
    StepVote vote(world_.collective());
    ProgressBar bar(epochs * steps);
    auto last_checkpoint = Clock::now();
    const auto save_checkpoint = [&](Position next) {
      checkpointer.begin(arrays_of(state_, interval_, world_.collective()), manifest(folder, start, next));
      last_checkpoint = Clock::now();
    };
    std::int64_t last = std::max<std::int64_t>(0, from.epoch - 1);
    for (std::int64_t epoch = from.epoch; epoch < epochs; ++epoch) {
      last = epoch;
      const std::int64_t first = epoch == from.epoch ? from.step : 0;
      loader_.start_epoch(epoch, first);
      StepVote::Ballot decided;
      for (std::int64_t step = first; step < steps; ++step) {
        vote.cast({stop.asked(), is_time(last_checkpoint), checkpointer.in_flight() && checkpointer.written()});
        const double seconds = one_step(epoch, step);
        ++steps_;
        if (tuner_) tune(folder, seconds);
        bar.show(epoch * steps + step + 1);
        if (interval_.steps() == config_.log_every || step + 1 == steps) report(folder, bar, epoch, step + 1);
        decided = vote.count();
        if (checkpointer.in_flight() && decided.written) checkpointer.commit();
        decided.checkpoint |= decided.stop || is_step_of_checkpoint();
        if (!decided.checkpoint || step + 1 == steps) continue;  // at the end of an epoch its work comes first
        save_checkpoint({epoch, step + 1});
        if (decided.stop) return stopped(checkpointer, bar);
      }
      state_.bank.end_epoch(world_.collective());
      if (is_validation(epoch) && !validate_and_keep(folder, bar, epoch)) break;
      if (!decided.checkpoint || epoch + 1 == epochs) continue;
      save_checkpoint({epoch + 1, 0});
      if (decided.stop) return stopped(checkpointer, bar);
    }
    bar.clear();
    save_checkpoint({last + 1, 0});  // from which a longer run goes on
    checkpointer.commit();
    save(folder, "final", {last, temperature_, config_.evaluation.head});
    return true;
  }

  void dry_run() {
    loader_.start_epoch(0);
    const auto start = Clock::now();
    one_step(0, 0);
    const double step_seconds = seconds_since(start);
    const IntervalReport r = interval_.take(config_.loader.global_batch);
    std::string text = fmt::format(
        "dry run: {} parameters, {} steps an epoch, {} buckets, first step {:.2f} s, loss {:.4f}",
        state_.parameters.size(), loader_.steps_per_epoch(), state_.gradients.buckets(), step_seconds, r.loss);
    state_.bank.end_epoch(world_.collective());
    if (data_.validation) {
      const auto begin = Clock::now();
      const Validation v = validate(state_, *data_.validation, config_, world_.collective());
      text += fmt::format(", validation of {} faces {:.2f} s", v.measures.count, seconds_since(begin));
    }
    if (world_.rank() == 0) {
      const auto path = std::filesystem::temp_directory_path() / fmt::format("penumbra-dry-run-{}", getpid());
      RunFolder(path).create(config_, world_.size(), true);
      save_model(RunFolder(path), "final", state_.nets, data_.train.info, {});
      text += fmt::format(", weights {} bytes", std::filesystem::file_size(RunFolder(path).weights("final")));
      std::filesystem::remove_all(path);
      spdlog::info("{}", text);
    }
  }

 private:
  /// The tuner's candidates must be the same on every rank.
  int fewest_cores() const { return -static_cast<int>(world_.largest({-static_cast<double>(world_.cores())})[0]); }

  /// Rank 0's clock decides.
  bool is_time(Clock::time_point last_checkpoint) const {
    const double minutes = config_.checkpoint.every_minutes;
    return world_.rank() == 0 && minutes > 0 && seconds_since(last_checkpoint) >= 60 * minutes;
  }

  bool is_step_of_checkpoint() const {
    return config_.checkpoint.every_steps > 0 && steps_ % config_.checkpoint.every_steps == 0;
  }

  bool stopped(Checkpointer& checkpointer, const ProgressBar& bar) {
    const bool kept = checkpointer.commit();
    bar.clear();
    if (world_.broadcast(kept ? "kept" : "").empty()) {
      if (world_.rank() != 0) throw comm::PeerFailure(kData);
      throw data::DataError(
          "asked to stop, but the checkpoint could not be written: what came after the last one is lost");
    }
    if (world_.rank() == 0)
      spdlog::info("stopped on request after {} steps: the same command goes on from here", steps_);
    return false;
  }

  Tuning tuning() const { return {config_.sync.bucket_bytes, at::get_num_threads()}; }

  /// What the bits of a run depend on, beside its configuration and data.
  std::string bitwise() const {
    return fmt::format("penumbra {}, torch {}, {} ranks of {} threads on {}, {} buckets", kVersion, kTorchVersion,
                       world_.size(), at::get_num_threads(), state_.device.is_cpu() ? "CPUs" : "GPUs",
                       state_.gradients.buckets());
  }

  Manifest manifest(const RunFolder& folder, const Start& start, Position next) const {
    Manifest manifest;
    manifest.incarnation = start.incarnation;
    manifest.position = next;
    manifest.steps = steps_;
    manifest.interval_steps = interval_.steps();
    manifest.average_updates = state_.average ? state_.average->updates() : 0;
    manifest.ranks = world_.size();
    if (world_.rank() == 0) manifest.metrics_bytes = std::filesystem::file_size(folder.metrics());
    manifest.has_best = best_.best().has_value();
    manifest.best = best_.best().value_or(0);
    manifest.since_best = best_.since();
    manifest.temperature = temperature_;
    manifest.config = to_toml(config_);
    manifest.data = start.data;
    manifest.bitwise = bitwise();
    manifest.bucket_bytes = tuned_.bucket_bytes;
    manifest.threads = tuned_.threads;
    return manifest;
  }

  Position resume(const Resumed& resumed) {
    const Manifest& then = resumed.manifest;
    if (then.threads > 0) {
      tuned_ = {then.bucket_bytes, then.threads};
      at::set_num_threads(std::min(then.threads, world_.cores()));
      if (state_.gradients.can_rebucket()) state_.gradients.rebucket(then.bucket_bytes);
    }
    restore(state_, interval_, resumed.arrays, then.ranks, world_.collective());
    steps_ = then.steps;
    state_.optimizer.resume_at(then.steps);
    if (state_.average) state_.average->resume_at(then.average_updates);
    interval_.resume_at(then.interval_steps);
    best_.resume_at(then.has_best ? std::optional(then.best) : std::nullopt, then.since_best);
    temperature_ = then.temperature;
    if (world_.rank() == 0) {
      spdlog::info("resumed from {}, after {} steps", resumed.name, steps_);
      if (then.bitwise != bitwise())
        spdlog::info("the same up to rounding, not bit for bit: it was {}, now it is {}", then.bitwise, bitwise());
    }
    return then.position;
  }

  /// Returns its seconds, without those that the data took.
  double one_step(std::int64_t epoch, std::int64_t step) {
    const data::Batch batch = loader_.next();
    const auto start = Clock::now();
    const StepResult result = training_step(state_, batch, config_, progress(epoch, step));
    interval_.add(result, loader_.take_wait_seconds(), state_.gradients.exposed_seconds());
    return seconds_since(start);
  }

  void tune(const RunFolder& folder, double step_seconds) {
    tuner_->add(step_seconds);
    if (!tuner_->done()) return;
    const Tuning best = tuned_ = tuner_->tuning();
    tuner_.reset();
    if (world_.rank() != 0) return;
    spdlog::info("tuned: buckets of at most {} bytes, {} threads a rank", best.bucket_bytes, best.threads);
    folder.append_metrics({{"kind", "tuning"}, {"bucket_bytes", best.bucket_bytes}, {"threads", best.threads}});
  }

  /// The middle of the step, so that the first one of a warm-up already learns.
  Progress progress(std::int64_t epoch, std::int64_t step) const {
    return {
        static_cast<double>(epoch) + (static_cast<double>(step) + 0.5) / static_cast<double>(loader_.steps_per_epoch()),
        static_cast<double>(config_.train.epochs)};
  }

  bool is_validation(std::int64_t epoch) const {
    if (!data_.validation) return false;
    const std::int64_t every = config_.evaluation.every;
    return epoch + 1 == config_.train.epochs || (every > 0 && (epoch + 1) % every == 0);
  }

  void report(const RunFolder& folder, const ProgressBar& bar, std::int64_t epoch, std::int64_t step) {
    IntervalReport r = interval_.take(config_.loader.global_batch);
    const std::vector<double> late = comm::lateness(world_);
    if (!late.empty()) {
      const auto latest = std::max_element(late.begin(), late.end());
      r.latest_rank = static_cast<int>(latest - late.begin());
      r.latest_seconds = *latest;
    }
    r.epoch = epoch;
    r.epochs = config_.train.epochs;
    r.step = step;
    r.steps = loader_.steps_per_epoch();
    const Progress now = progress(epoch, step - 1);
    r.learning_rate =
        learning_rate_at(config_.schedule, now.epoch, now.epochs, static_cast<double>(config_.loader.global_batch));
    if (world_.rank() != 0) return;
    bar.clear();
    spdlog::info("{}", console_line(r, bar.eta_seconds(epoch * r.steps + step)));
    folder.append_metrics(to_json(r));
  }

  /// False when patience has run out.
  bool validate_and_keep(const RunFolder& folder, const ProgressBar& bar, std::int64_t epoch) {
    world_.recorder().enter_phase("validation");
    const Validation validation = validate(state_, *data_.validation, config_, world_.collective());
    world_.recorder().enter_phase("training");
    temperature_ = validation.temperature;
    const bool better = best_.better(validation.measures);
    if (better) save(folder, "best", {epoch, temperature_, config_.evaluation.head});
    if (world_.rank() == 0) {
      nlohmann::json row = trainer::to_json(validation.measures);
      row["kind"] = "validation";
      row["epoch"] = epoch;
      row["temperature"] = validation.temperature;
      row["uncertainty_mean"] = state_.bank.uncertainty().mean().item<double>();
      row["disagreement_mean"] = state_.bank.disagreement().mean().item<double>();
      folder.append_metrics(row);
      bar.clear();
      spdlog::info("{}", console_line(validation.measures, epoch, better));
      if (best_.out_of_patience())
        spdlog::info("no better validation for {} times: stopping early", config_.evaluation.patience);
    }
    return !best_.out_of_patience();
  }

  /// Averaged weights where there are any: what was validated is what is saved.
  void save(const RunFolder& folder, const std::string& name, const WeightsNote& note) {
    if (world_.rank() != 0) return;
    state_.gradients.await_values();
    if (state_.average) state_.average->swap();
    save_model(folder, name, state_.nets, data_.train.info, note);
    if (state_.average) state_.average->swap();
  }

  const Config& config_;
  const TrainingData& data_;
  comm::World& world_;
  data::TrainLoader loader_;
  TrainingState state_;
  Interval interval_;
  std::optional<Tuner> tuner_;  ///< in the first steps, where asked for
  BestSoFar best_;
  double temperature_ = 1;
  std::int64_t steps_ = 0;  ///< taken since the run began
  Tuning tuned_{0, 0};      ///< what the tuner has found; no threads: it was not asked
};

}  // namespace

bool train(const Config& config, const TrainingData& data, comm::World& world, at::Device device,
           const RunFolder& folder, const CheckpointFolder& checkpoints, const Start& start, StopRequest& stop) {
  Run run(config, data, world, device);
  return run.train(folder, checkpoints, start, stop);
}

void dry_run(const Config& config, const TrainingData& data, comm::World& world, at::Device device) {
  Run(config, data, world, device).dry_run();
}

}  // namespace penumbra::trainer
