#include "trainer/evaluation/measures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace penumbra::trainer {
namespace {

double total(Weights weights) { return std::accumulate(weights.begin(), weights.end(), 0.0); }

double total(std::span<const double> column, Weights weights) {
  return std::inner_product(column.begin(), column.end(), weights.begin(), 0.0);
}

double total(std::span<const std::uint8_t> column, Weights weights) {
  return std::inner_product(column.begin(), column.end(), weights.begin(), 0.0);
}

std::optional<double> known(double value) { return std::isnan(value) ? std::nullopt : std::optional<double>(value); }

std::optional<double> ratio(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::vector<std::vector<std::int64_t>> confusion(const FaceColumns& columns, Weights weights) {
  std::vector<std::vector<std::int64_t>> out(columns.classes, std::vector<std::int64_t>(columns.classes, 0));
  for (std::size_t i = 0; i < columns.faces; ++i) {
    out[columns.label[i]][columns.predicted[i]] += static_cast<std::int64_t>(weights[i]);
  }
  return out;
}

/// Means are over the classes that have faces.
void fill_from_confusion(Measures& m) {
  std::int64_t right = 0;
  double present = 0, recall = 0, f1 = 0;
  const std::vector<ClassMeasures> classes = by_class(m);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    right += m.confusion[c][c];
    if (classes[c].count == 0) continue;
    ++present;
    recall += *classes[c].recall;
    f1 += *classes[c].f1;
  }
  m.accuracy = static_cast<double>(right) / static_cast<double>(m.count);
  m.mean_class_accuracy = recall / present;
  m.macro_f1 = f1 / present;
}

double calibration_error(const CalibrationColumn& column, Weights weights) {
  std::array<double, kCalibrationBins> gap{};
  for (std::size_t i = 0; i < weights.size(); ++i) gap[column.bin[i]] += weights[i] * column.gap[i];
  return std::accumulate(gap.begin(), gap.end(), 0.0, [](double sum, double g) { return sum + std::abs(g); });
}

/// column: [N, C].
double classwise_calibration_error(const CalibrationColumn& column, std::size_t classes, Weights weights) {
  std::vector<double> gap(classes * kCalibrationBins, 0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    for (std::size_t c = 0; c < classes; ++c) {
      gap[c * kCalibrationBins + column.bin[i * classes + c]] += weights[i] * column.gap[i * classes + c];
    }
  }
  const auto add = [](double sum, double g) { return sum + std::abs(g); };
  return std::accumulate(gap.begin(), gap.end(), 0.0, add) / static_cast<double>(classes);
}

void fill_from_votes(Measures& m, const FaceColumns& columns, Weights weights, double count) {
  const double agreed = total(columns.majority, weights);
  if (agreed > 0) m.majority_accuracy = total(columns.right_of_it, weights) / agreed;
  m.kl_human = total(columns.kl, weights) / count;
  m.js_human = total(columns.js, weights) / count;
  m.cosine_human = total(columns.cosine, weights) / count;
  m.spearman_entropy = known(spearman(columns.entropy, *columns.vote_entropy, weights));
  m.auroc_ambiguous = known(auroc(columns.entropy, columns.split_vote, weights));
}

}  // namespace

double or_nan(const std::optional<double>& value) { return value.value_or(std::numeric_limits<double>::quiet_NaN()); }

Measures measure(std::span<const float> posterior, const data::SampleSet& set) {
  return measure(FaceColumns(posterior, set));
}

Measures measure(const FaceColumns& columns) { return measure(columns, std::vector<double>(columns.faces, 1)); }

Measures measure(const FaceColumns& columns, Weights weights) {
  const double count = total(weights);
  Measures m;
  m.count = static_cast<std::int64_t>(count);
  m.confusion = confusion(columns, weights);
  fill_from_confusion(m);
  m.nll = total(columns.nll, weights) / count;
  m.brier = total(columns.brier, weights) / count;
  m.ece = calibration_error(columns.top, weights) / count;
  m.classwise_ece = classwise_calibration_error(columns.by_class, columns.classes, weights) / count;
  m.aurc = aurc(columns.entropy, columns.wrong, weights);
  m.e_aurc = m.aurc - best_aurc(total(columns.wrong, weights), count);
  m.auroc_error = known(auroc(columns.entropy, columns.wrong, weights));
  if (columns.vote_entropy) fill_from_votes(m, columns, weights, count);
  if (columns.label_doubt) {
    m.auroc_noise = known(auroc(*columns.label_doubt, columns.flipped, weights));
    m.auroc_noise_entropy = known(auroc(columns.entropy, columns.flipped, weights));
    if (columns.bank_disagreement) {
      m.auroc_noise_disagreement = known(auroc(*columns.bank_disagreement, columns.flipped, weights));
      m.auroc_noise_uncertainty = known(auroc(*columns.bank_uncertainty, columns.flipped, weights));
    }
  }
  if (columns.true_entropy) {
    m.ceiling_accuracy = total(columns.truth_right, weights) / count;
    m.spearman_true_entropy = known(spearman(columns.entropy, *columns.true_entropy, weights));
  }
  return m;
}

std::vector<ClassMeasures> by_class(const Measures& measures) {
  const std::size_t classes = measures.confusion.size();
  std::vector<ClassMeasures> out(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    std::int64_t claimed = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      out[c].count += measures.confusion[c][k];
      claimed += measures.confusion[k][c];
    }
    const std::int64_t hit = measures.confusion[c][c];
    out[c].recall = ratio(hit, out[c].count);
    out[c].precision = ratio(hit, claimed);
    out[c].f1 = ratio(2 * hit, out[c].count + claimed);
  }
  return out;
}

std::vector<NamedValue> scalars(const Measures& m) {
  std::vector<NamedValue> out = {{"accuracy", m.accuracy},
                                 {"majority_accuracy", or_nan(m.majority_accuracy)},
                                 {"mean_class_accuracy", m.mean_class_accuracy},
                                 {"macro_f1", m.macro_f1},
                                 {"nll", m.nll},
                                 {"brier", m.brier},
                                 {"ece", m.ece},
                                 {"classwise_ece", m.classwise_ece},
                                 {"kl_human", or_nan(m.kl_human)},
                                 {"js_human", or_nan(m.js_human)},
                                 {"cosine_human", or_nan(m.cosine_human)},
                                 {"spearman_entropy", or_nan(m.spearman_entropy)},
                                 {"auroc_error", or_nan(m.auroc_error)},
                                 {"auroc_ambiguous", or_nan(m.auroc_ambiguous)},
                                 {"auroc_noise", or_nan(m.auroc_noise)},
                                 {"auroc_noise_entropy", or_nan(m.auroc_noise_entropy)},
                                 {"auroc_noise_disagreement", or_nan(m.auroc_noise_disagreement)},
                                 {"auroc_noise_uncertainty", or_nan(m.auroc_noise_uncertainty)},
                                 {"aurc", m.aurc},
                                 {"e_aurc", m.e_aurc}};
  if (m.ceiling_accuracy) {
    out.push_back({"ceiling_accuracy", *m.ceiling_accuracy});
    out.push_back({"spearman_true_entropy", or_nan(m.spearman_true_entropy)});
  }
  return out;
}

bool is_of_probabilities(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames = {"nll", "brier", "ece", "classwise_ece", "kl_human", "js_human"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::vector<double> values_of(const std::vector<NamedValue>& named) {
  std::vector<double> out;
  for (const NamedValue& value : named) out.push_back(value.value);
  return out;
}

}  // namespace penumbra::trainer
