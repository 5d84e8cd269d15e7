#include "trainer/loop/train_loop.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "comm/timing.h"
#include "data/error.h"
#include "trainer/checkpoint/checkpoint_options.h"
#include "trainer/checkpoint/checkpointer.h"
#include "trainer/checkpoint/training_arrays.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/evaluation/measures_json.h"
#include "trainer/exit_code.h"
#include "trainer/loop/progress.h"
#include "trainer/loop/run_state.h"
#include "trainer/loop/step_vote.h"
#include "trainer/loop/training_options.h"

namespace penumbra::trainer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMostSkipped = 10;  ///< steps, in log intervals without a finite one
constexpr int kMostRollBacks = 3;          ///< in log intervals without a finite one between

class TrainLoop {
 public:
  TrainLoop(const Config& config, const TrainingData& data, const RunContext& context)
      : config_(config),
        context_(context),
        world_(context.world),
        run_(config, data, context.world, context.device, context.start.pretrained),
        from_(context.start.resumed ? run_.resume(*context.start.resumed) : Position{}),
        checkpointer_(context.checkpoints, world_, config.checkpoint->keep, context.faults),
        bar_(stdout, config.train->epochs * run_.loader.steps_per_epoch(),
             from_.epoch * run_.loader.steps_per_epoch() + from_.step) {
    if (config.train->tune_steps > 0 && !context.start.resumed)
      tuner_.emplace(config.train->tune_steps, run_.tuning(), fewest_cores(), run_.state.gradients, world_);
  }

  bool train() {
    world_.recorder().enter_phase("training");
    StepVote vote(world_.collective());
    const std::int64_t steps = run_.loader.steps_per_epoch(), epochs = config_.train->epochs;
    std::int64_t last = std::max<std::int64_t>(0, from_.epoch - 1);
    for (std::int64_t epoch = from_.epoch; epoch < epochs; ++epoch) {
      last = epoch;
      improved_ = false;
      const std::int64_t first = epoch == from_.epoch ? from_.step : 0;
      run_.loader.start_epoch(epoch, first);
      StepVote::Ballot decided;
      for (std::int64_t step = first; step < steps; ++step) {
        const bool written = checkpointer_.in_flight() && checkpointer_.written();
        const bool wanted = context_.telemetry.take_checkpoint_order() || is_time_for_checkpoint();
        vote.cast({context_.stop.asked(), wanted, written});
        const double seconds = run_.take_step(epoch, step, context_.faults);
        context_.telemetry.step_done();
        if (tuner_) tune(seconds);
        bar_.show(epoch * steps + step + 1);
        if (run_.interval.steps() == config_.log_every || step + 1 == steps) report(epoch, step + 1);
        decided = vote.count();
        if (checkpointer_.in_flight() && decided.written) commit();
        decided.checkpoint |= decided.stop || is_step_of_checkpoint();
        if (!decided.checkpoint || step + 1 == steps) continue;  // at the end of an epoch its work comes first
        if (!skips() && run_.interval.has_non_finite()) report(epoch, step + 1);
        save_checkpoint({epoch, step + 1});
        if (decided.stop) return stopped();
      }
      run_.state.bank.end_epoch(world_.collective());
      if (is_validation(epoch) && !validate_and_keep(epoch)) break;
      decided.checkpoint |= improved_ && keeps_best();
      if (!decided.checkpoint || epoch + 1 == epochs) continue;
      save_checkpoint({epoch + 1, 0});
      if (decided.stop) return stopped();
    }
    bar_.clear();
    save_checkpoint({last + 1, 0});  // from which a longer run goes on
    commit();
    if (run_.data.validation && !run_.validation_features.defined())  // resumed with nothing left to train
      run_.validation_features = validate(run_.state, *run_.data.validation, config_, world_.collective()).features;
    run_.save_weights(context_.folder, "final", last);
    return true;
  }

 private:
  int fewest_cores() const { return -static_cast<int>(world_.largest({-static_cast<double>(world_.cores())})[0]); }

  /// Rank 0's clock decides.
  bool is_time_for_checkpoint() const {
    const std::chrono::duration<double, std::ratio<60>> every(config_.checkpoint->every_minutes);
    return world_.rank() == 0 && every.count() > 0 && Clock::now() - last_checkpoint_ >= every;
  }

  bool is_step_of_checkpoint() const {
    return config_.checkpoint->every_steps > 0 && run_.steps % config_.checkpoint->every_steps == 0;
  }

  bool keeps_best() const {
    return config_.checkpoint->best && (config_.checkpoint->every_steps > 0 || config_.checkpoint->every_minutes > 0);
  }

  void save_checkpoint(Position next) {
    const bool writes = world_.rank() == 0;
    const std::uint64_t metrics_bytes = writes ? std::filesystem::file_size(context_.folder.metrics()) : 0;
    Manifest manifest = run_.manifest(context_.start, next, metrics_bytes);
    manifest.is_best = config_.checkpoint->best && improved_ && next.step == 0;
    if (checkpointer_.in_flight()) commit();
    last_checkpoint_ = Clock::now();
    stall_seconds_ = comm::seconds_of([&] {
      stage(run_.state, run_.interval, world_.collective(), checkpointer_.staging());
      checkpointer_.begin(std::move(manifest));
    });
  }

  /// Names the checkpoint that is being written, or abandons it: false, on rank 0.
  bool commit() {
    const bool kept = checkpointer_.commit();
    const std::chrono::duration<double> taken = Clock::now() - last_checkpoint_;
    context_.telemetry.checkpoint({kept, checkpointer_.bytes(), taken.count(), stall_seconds_});
    return kept;
  }

  bool stopped() {
    const bool kept = commit();
    bar_.clear();
    if (world_.broadcast(kept ? "kept" : "").empty()) {
      if (world_.rank() != 0) throw comm::PeerFailure(kData);
      throw data::DataError(
          "asked to stop, but the checkpoint could not be written: what came after the last one is lost");
    }
    if (world_.rank() == 0)
      spdlog::info("stopped on request after {} steps: the same command goes on from here", run_.steps);
    return false;
  }

  void tune(double step_seconds) {
    tuner_->add(step_seconds);
    if (!tuner_->done()) return;
    const Tuning best = run_.tuned = tuner_->tuning();
    tuner_.reset();
    if (world_.rank() != 0) return;
    spdlog::info("tuned: buckets of at most {} bytes, {} threads a rank", best.bucket_bytes, best.threads);
    context_.folder.append_metrics(
        {{"kind", "tuning"}, {"bucket_bytes", best.bucket_bytes}, {"threads", best.threads}});
  }

  bool is_validation(std::int64_t epoch) const {
    if (!run_.data.validation) return false;
    const std::int64_t every = config_.evaluation->every;
    return epoch + 1 == config_.train->epochs || (every > 0 && (epoch + 1) % every == 0);
  }

  /// The log interval ends with step `step - 1`.
  void report(std::int64_t epoch, std::int64_t step) {
    const bool spoiled = run_.interval.has_non_finite();  // in this start, whatever was skipped in the one before
    const IntervalReport r = run_.report(epoch, step);
    const double eta = bar_.eta_seconds(epoch * r.steps + step);
    context_.telemetry.report(r, run_.steps, eta);
    if (world_.rank() == 0) {
      bar_.clear();
      spdlog::info("{}", console_line(r, eta));
      context_.folder.append_metrics(to_json(r));
    }
    if (r.skipped == 0) run_.roll_backs = 0;
    run_.skipped_in_a_row = r.skipped == r.taken ? run_.skipped_in_a_row + r.skipped : 0;
    if (spoiled && (!skips() || run_.skipped_in_a_row >= kMostSkipped)) recover(r);
  }

  bool skips() const { return config_.train->non_finite == NonFinite::skip; }

  /// Some gradients were not finite, and more than skipping them is asked for.
  void recover(const IntervalReport& r) {
    if (checkpointer_.in_flight()) commit();  // it is older than they are
    if (config_.train->non_finite == NonFinite::roll_back && roll_back(r)) return;
    if (world_.rank() != 0) throw comm::PeerFailure(kFailure);  // every rank knows; one says it
    throw std::runtime_error(fmt::format(
        "{} of the last {} gradients are not finite (epoch {}, up to step {}): lower schedule.learning_rate, set "
        "optimizer.clip_norm, use fp32, or see train.non_finite",
        r.skipped, r.taken, r.epoch + 1, r.step));
  }

  /// False where there is nothing to go back to, or it has not helped before.
  bool roll_back(const IntervalReport& r) {
    if (++run_.roll_backs > kMostRollBacks) return false;
    const std::optional<Resumed> resumed = newest_whole(context_.checkpoints, world_);
    if (!resumed) return false;
    run_.roll_back(*resumed, r.epoch);
    if (world_.rank() != 0) return true;
    spdlog::warn("{} gradients are not finite: back to the weights of {}, on with the next batches", r.skipped,
                 resumed->name);
    context_.folder.append_metrics(
        {{"kind", "roll_back"}, {"epoch", r.epoch}, {"step", r.step}, {"checkpoint", resumed->name}});
    return true;
  }

  /// False when patience has run out.
  bool validate_and_keep(std::int64_t epoch) {
    world_.recorder().enter_phase("validation");
    const Validation validation = validate(run_.state, *run_.data.validation, config_, world_.collective());
    world_.recorder().enter_phase("training");
    run_.temperature = validation.temperature;
    run_.validation_features = validation.features;
    improved_ = run_.best.better(validation.measures);
    if (improved_) run_.save_weights(context_.folder, "best", epoch);
    if (world_.rank() == 0) {
      const BankReport bank{run_.state.bank.uncertainty().mean().item<double>(),
                            run_.state.bank.disagreement().mean().item<double>()};
      context_.telemetry.validation(validation.measures, validation.temperature, bank);
      nlohmann::json row = to_json(validation.measures);
      row["kind"] = "validation";
      row["epoch"] = epoch;
      row["temperature"] = validation.temperature;
      row["calibrated"] = of_probabilities(to_json(validation.calibrated));
      row["uncertainty_mean"] = bank.uncertainty;
      row["disagreement_mean"] = bank.disagreement;
      context_.folder.append_metrics(row);
      bar_.clear();
      spdlog::info("{}", console_line(validation.measures, epoch, improved_));
      if (run_.best.out_of_patience())
        spdlog::info("no better validation for {} times: stopping early", config_.evaluation->patience);
    }
    return !run_.best.out_of_patience();
  }

  const Config& config_;
  const RunContext& context_;
  comm::World& world_;
  RunState run_;
  const Position from_;
  Checkpointer checkpointer_;
  ProgressBar bar_;
  std::optional<Tuner> tuner_;  ///< in the first steps, where asked for
  Clock::time_point last_checkpoint_ = Clock::now();
  double stall_seconds_ = 0;  ///< of the last one
  bool improved_ = false;     ///< the validation of this epoch is the best so far
};

}  // namespace

bool train(const Config& config, const TrainingData& data, const RunContext& context) {
  return TrainLoop(config, data, context).train();
}

}  // namespace penumbra::trainer
