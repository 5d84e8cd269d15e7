#include "trainer/loop/validation.h"

#include <algorithm>
#include <cmath>

#include "trainer/evaluation/temperature.h"

namespace penumbra::trainer {
namespace {

/// Higher is better.
double score(const Measures& measures, Best measure) {
  switch (measure) {
    case Best::accuracy:
      return measures.accuracy;
    case Best::nll:
      return -measures.nll;
    case Best::majority_accuracy:
      break;
  }
  if (!measures.majority_accuracy) {
    throw ConfigError("evaluation.best = \"majority_accuracy\" needs votes in the validation set: use \"accuracy\"");
  }
  return *measures.majority_accuracy;
}

}  // namespace

Validation validate(TrainingState& state, const data::SampleSet& set, const Config& config,
                    comm::Collective& collective) {
  state.gradients.await_values();
  if (state.average) state.average->swap();
  const std::vector<float> posterior =
      head_posterior(predict_set(state.nets, set, config, collective), config.evaluation.head);
  if (state.average) state.average->swap();
  std::vector<float> log_posterior(posterior.size());
  std::transform(posterior.begin(), posterior.end(), log_posterior.begin(),
                 [](float p) { return std::log(std::max(p, 1e-30f)); });
  return {measure(posterior, set), fit_temperature(log_posterior, set.labels, set.classes())};
}

bool BestSoFar::better(const Measures& measures) {
  const double now = score(measures, measure_);
  const bool is_better = !best_ || now > *best_;
  if (is_better) best_ = now;
  since_ = is_better ? 0 : since_ + 1;
  return is_better;
}

}  // namespace penumbra::trainer
