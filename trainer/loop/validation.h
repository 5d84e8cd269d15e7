#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"
#include "trainer/evaluation/measures.h"
#include "trainer/loop/predict.h"
#include "trainer/loop/step.h"

namespace penumbra::trainer {

struct Validation {
  Measures measures;
  double temperature = 1;  ///< fitted on this set
  Measures calibrated;     ///< with it
  at::Tensor features;     ///< of f_o, pooled, [N, K]: of all faces, or of Familiarity::kMostFaces spread evenly
};

/// Measures of the configured head on `set`, with the averaged weights where there are any. All ranks call, all get the
/// same.
Validation validate(TrainingState& state, const data::SampleSet& set, const Config& config,
                    comm::Collective& collective);

/// Keeps track of the best validation.
class BestSoFar {
 public:
  BestSoFar(Best measure, std::int64_t patience) : measure_(measure), patience_(patience) {}
  /// True when this is the best one yet. Throws ConfigError when the measure needs votes that the set lacks.
  bool better(const Measures& measures);
  const std::optional<double>& best() const { return best_; }
  std::int64_t since() const { return since_; }  ///< validations since the best one
  void resume_at(std::optional<double> best, std::int64_t since) {
    best_ = best;
    since_ = since;
  }
  bool out_of_patience() const { return patience_ > 0 && since_ >= patience_; }

 private:
  Best measure_;
  std::int64_t patience_, since_ = 0;
  std::optional<double> best_;
};

}  // namespace penumbra::trainer
