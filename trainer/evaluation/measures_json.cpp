#include "trainer/evaluation/measures_json.h"

#include <cmath>

#include <nlohmann/json.hpp>

namespace penumbra::trainer {
namespace {

nlohmann::json or_null(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? nlohmann::json(*value) : nlohmann::json();
}

}  // namespace

nlohmann::json to_json(const Measures& m) {
  nlohmann::json out = {{"count", m.count},
                        {"accuracy", m.accuracy},
                        {"majority_accuracy", or_null(m.majority_accuracy)},
                        {"mean_class_accuracy", m.mean_class_accuracy},
                        {"macro_f1", m.macro_f1},
                        {"nll", m.nll},
                        {"brier", m.brier},
                        {"ece", m.ece},
                        {"kl_human", or_null(m.kl_human)},
                        {"spearman_entropy", or_null(m.spearman_entropy)},
                        {"auroc_error", or_null(m.auroc_error)},
                        {"confusion", m.confusion}};
  if (m.ceiling_accuracy) {
    out["ceiling_accuracy"] = or_null(m.ceiling_accuracy);
    out["spearman_true_entropy"] = or_null(m.spearman_true_entropy);
  }
  return out;
}

}  // namespace penumbra::trainer
