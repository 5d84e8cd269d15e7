#include "trainer/loop/step.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <ATen/ATen.h>

#include "comm/gradient_sync_options.h"
#include "data/error.h"
#include "data/loader_options.h"
#include "trainer/evaluation/measures.h"
#include "trainer/loop/training_options.h"
#include "trainer/objective/objective_options.h"
#include "trainer/objective/uncertainty_options.h"
#include "trainer/optim/optimizer_options.h"

namespace penumbra::trainer {
namespace {

/// Each net's run of the flat index space, f_o's first.
std::vector<comm::Interval> intervals_of_nets(const comm::FlatParameters& parameters) {
  std::vector<comm::Interval> out;
  for (const std::string prefix : {"original.", "ambiguous."}) {
    comm::Interval run{parameters.size(), 0};
    for (const comm::Segment& segment : parameters.segments()) {
      if (!segment.name.starts_with(prefix)) continue;
      run.offset = std::min(run.offset, segment.offset);
      run.size += segment.size;
    }
    if (run.size > 0) out.push_back(run);
  }
  return out;
}

class Stopwatch {
 public:
  /// Seconds since the last call.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// The gradient of the global batch at the present weights, for which `told` (part, views, loss) hears of each part.
template <typename Told>
void take_gradient(TrainingState& state, const std::vector<data::Batch>& parts, const Config& config,
                   const Ramps& ramps, StepSeconds& seconds, const Told& told) {
  state.gradients.begin_step(static_cast<int>(parts.size()));
  Stopwatch watch;
  for (const data::Batch& part : parts) {
    const Views views = state.nets.forward(part, config.train->precision == Precision::bf16);
    Objective loss = objective(views, part, state.bank, state.nets, *config.objective, ramps, state.balance);
    told(part, views, loss);
    seconds.forward += watch.lap();
    loss.total.backward();  // in the last part a bucket leaves as soon as its last gradient is there
    seconds.backward += watch.lap();
  }
  state.gradients.finish_step();
  seconds.exposed += state.gradients.exposed_seconds();
}

/// Of the averaged weights; 0: there are none.
double decay_of(const Config& config, const data::SampleSet& train) {
  if (config.train->ema_half_life == 0) return config.train->ema_decay;
  return decay_of_half_life(config.train->ema_half_life,
                            data::count_steps(train.labels, config.loader->global_batch, config.loader->plan));
}

at::Tensor hard_labels(const data::SampleSet& set) {
  const at::Tensor labels = at::empty({set.size()}, at::kLong);
  std::copy(set.labels.begin(), set.labels.end(), labels.mutable_data_ptr<std::int64_t>());
  return labels;
}

at::Tensor given_labels(const data::SampleSet& set, Labels labels) {
  if (labels == Labels::hard) return at::one_hot(hard_labels(set), set.classes()).to(at::kFloat);
  const std::vector<float> votes = vote_distribution(set);
  if (votes.empty()) throw data::DataError("train.labels = \"votes\", but the training set has no votes: use \"hard\"");
  const at::Tensor out = at::empty({set.size(), set.classes()}, at::kFloat);
  std::copy(votes.begin(), votes.end(), out.mutable_data_ptr<float>());
  return out;
}

}  // namespace

at::Tensor training_labels(const data::SampleSet& set, Labels labels, double smoothing) {
  return (1 - smoothing) * given_labels(set, labels) + smoothing / static_cast<double>(set.classes());
}

UncertaintyBank empty_bank(const data::SampleSet& train, const Config& config, at::Device on) {
  return UncertaintyBank(training_labels(train, config.train->labels, config.train->label_smoothing).to(on),
                         hard_labels(train).to(on), *config.uncertainty);
}

TrainingState::TrainingState(const Config& config, const data::SampleSet& train, comm::Collective& collective,
                             at::Device on, const std::optional<Pretrained>& pretrained)
    : device(on),
      nets(net_for(config, train.info), config.train->method, config.seed, config.train->convolutions, on),
      parameters(nets.parameters()),
      net_intervals(intervals_of_nets(parameters)),
      gradients(parameters, nets.statistics(), collective, *config.sync),
      optimizer(parameters, *config.optimizer, gradients.owned()),
      bank(empty_bank(train, config, on)),
      balance(class_balance(train.labels, train.classes(), config.train->balance, on)) {
  if (pretrained) nets.begin_with(pretrained->tensors);
  comm::broadcast_state(parameters, nets.statistics(), collective);
  if (config.train->norm == Norm::sync) nets.synchronise(collective);
  nets.before_use([this](const at::Tensor& parameter) { gradients.await_values(parameter); });
  if (const double decay = decay_of(config, train); decay > 0) average.emplace(parameters, nets.statistics(), decay);
  if (config.optimizer->sam_radius > 0)
    ascent.emplace(parameters, gradients.owned(), nets.statistics(), config.optimizer->sam_radius);
}

StepResult training_step(TrainingState& state, const data::Batch& batch, const Config& config, const Pace& pace) {
  const std::vector<data::Batch> parts = data::split(batch, config.train->accumulate);
  StepResult result;
  const bool skips = config.train->non_finite == NonFinite::skip;
  const at::Tensor& statistics = state.nets.statistics();
  const at::Tensor before = skips ? statistics.clone() : at::Tensor();
  const auto keep = [&](const data::Batch& part, const Views& views, const Objective& loss) {
    result.observations.push_back(observe(views, part, state.bank.hard_labels(part.sample), state.nets, loss));
    result.parts.push_back(loss);
  };
  take_gradient(state, parts, config, pace.ramps, result.seconds, keep);
  if (state.ascent) {
    state.ascent->climb(state.gradients.norm());
    state.gradients.share_values();
    take_gradient(state, parts, config, pace.ramps, result.seconds, [](const auto&...) {});
    state.ascent->come_back();
  }
  Stopwatch watch;
  result.net_norms = state.gradients.norms(state.net_intervals);
  result.gradient_norm = at::linalg_vector_norm(result.net_norms);
  state.optimizer.step(pace.learning_rate, pace.count, result.gradient_norm, skips);
  if (skips) statistics.copy_(at::where(result.gradient_norm.isfinite(), statistics, before));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const at::Tensor& posterior = result.parts[i].posterior;  // what is not finite is no visit
    state.bank.update(parts[i].sample, skips ? posterior + 0 * result.gradient_norm : posterior,
                      result.parts[i].divergence);
  }
  state.gradients.share_values();
  result.seconds.optimizer = watch.lap();
  return result;
}

void follow_weights(TrainingState& state) {
  if (!state.average) return;
  state.gradients.await_values();
  state.average->update();
}

}  // namespace penumbra::trainer
