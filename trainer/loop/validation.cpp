#include "trainer/loop/validation.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/zeros.h>

#include "trainer/evaluation/evaluation_options.h"
#include "trainer/evaluation/familiarity.h"
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

/// Keeps the pooled features of faces spread evenly over a set, of which every rank sees its share.
class SpreadFeatures {
 public:
  explicit SpreadFeatures(std::int64_t set) : set_(set), kept_(std::min(set, Familiarity::kMostFaces)) {}

  void see(std::int64_t first, const NetOutput& out) {
    const at::Tensor pooled = pooled_features(out);
    if (!all_.defined()) all_ = at::zeros({kept_, pooled.size(1)}, at::kFloat);
    // Face i of those that are kept is row i * set / kept of the set.
    std::int64_t i = (first * kept_ + set_ - 1) / set_;
    for (; i < kept_ && i * set_ / kept_ < first + pooled.size(0); ++i) all_[i].copy_(pooled[i * set_ / kept_ - first]);
  }

  /// All ranks call. A rank without a share has seen no width.
  at::Tensor gather(std::int64_t width, comm::Collective& collective) {
    if (!all_.defined()) all_ = at::zeros({kept_, width}, at::kFloat);
    collective.all_reduce_sum(all_).wait();
    return all_;
  }

 private:
  std::int64_t set_, kept_;
  at::Tensor all_;  ///< [kept_, K]; rows of other ranks are 0
};

}  // namespace

Validation validate(TrainingState& state, const data::SampleSet& set, const Config& config,
                    comm::Collective& collective) {
  state.gradients.await_values();
  if (state.average) state.average->swap();
  SpreadFeatures features(set.size());
  const SeeBatch see = [&](std::int64_t first, const NetOutput& out, const NetOutput*) { features.see(first, out); };
  const std::vector<float> posterior =
      head_posterior(predict_set(state.nets, set, config, collective, see), config.evaluation->head);
  if (state.average) state.average->swap();
  std::vector<float> log_posterior(posterior.size());
  std::transform(posterior.begin(), posterior.end(), log_posterior.begin(),
                 [](float p) { return std::log(std::max(p, 1e-30f)); });
  const double temperature = fit_temperature(log_posterior, set.labels, set.classes());
  return {measure(posterior, set), temperature, measure(with_temperature(posterior, set.classes(), temperature), set),
          features.gather(state.nets.original().fc_weight().size(1), collective)};
}

bool BestSoFar::better(const Measures& measures) {
  const double now = score(measures, measure_);
  const bool is_better = !best_ || now > *best_;
  if (is_better) best_ = now;
  since_ = is_better ? 0 : since_ + 1;
  return is_better;
}

}  // namespace penumbra::trainer
