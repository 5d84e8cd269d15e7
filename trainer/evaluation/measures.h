#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data/store/sample_set.h"
#include "trainer/evaluation/face_columns.h"
#include "trainer/evaluation/ranking.h"

namespace penumbra::trainer {

/// How well posteriors fit a set (method.md, section 7; docs/evaluation.md has definitions and sources). Shares in
/// [0, 1], nats where logarithmic.
struct Measures {
  std::int64_t count = 0;
  double accuracy = 0;                      ///< top-1 against the hard label
  std::optional<double> majority_accuracy;  ///< the same over faces with a class voted by more than half (votes <= 1
                                            ///< dropped, unknown/NF counted)
  double mean_class_accuracy = 0;           ///< mean recall over the classes present
  double macro_f1 = 0;                      ///< over the classes present
  double nll = 0, brier = 0;    ///< against the hard label; Brier: sum over classes of squared error, mean over faces
  double ece = 0;               ///< expected calibration error of the top class, 15 equal-width bins (Guo et al., 2017)
  double classwise_ece = 0;     ///< the same of each class' probability, mean over all classes (Kull et al., 2019)
  double aurc = 0, e_aurc = 0;  ///< of predictive entropy; see ranking.h
  std::optional<double> kl_human;             ///< mean KL(votes || p), unknown/NF removed
  std::optional<double> js_human;             ///< mean Jensen-Shannon divergence of votes and p, in [0, ln 2]
  std::optional<double> cosine_human;         ///< mean cosine of votes and p
  std::optional<double> spearman_entropy;     ///< rank correlation of H(p) with H(votes), ties averaged
  std::optional<double> auroc_error;          ///< of H(p) telling wrong from right
  std::optional<double> auroc_ambiguous;      ///< of H(p) telling faces no class of which has more than half of the
                                              ///< votes for classes from the others
  std::optional<double> auroc_noise;          ///< of 1 - p(label) telling flipped labels from clean ones
  std::optional<double> auroc_noise_entropy;  ///< of H(p) doing the same
  std::optional<double> auroc_noise_disagreement;    ///< of the banks' n, where they are there
  std::optional<double> auroc_noise_uncertainty;     ///< of their u
  std::vector<std::vector<std::int64_t>> confusion;  ///< [true][predicted]
  // Only where the true distribution is known (synthetic faces):
  std::optional<double> ceiling_accuracy;       ///< accuracy of the arg max of the true distribution
  std::optional<double> spearman_true_entropy;  ///< rank correlation of H(p) with the true entropy
};

/// posterior: [N, C] row-major, finite, rows sum to 1; N == set.size() > 0. An AUROC does not exist where all faces are
/// of one kind, a correlation where either side is constant. Throws std::invalid_argument.
Measures measure(std::span<const float> posterior, const data::SampleSet& set);
Measures measure(const FaceColumns& columns);
/// The same of a sample that holds each face as often as its weight, a whole number, says.
Measures measure(const FaceColumns& columns, Weights weights);

/// One class against all others. Absent where there is no face to divide by.
struct ClassMeasures {
  std::int64_t count = 0;  ///< faces of this label
  std::optional<double> recall, precision, f1;
};
std::vector<ClassMeasures> by_class(const Measures& measures);

/// The value, or NaN where it is undefined.
double or_nan(const std::optional<double>& value);

struct NamedValue {
  std::string_view name;
  double value;  ///< NaN where it does not exist
};
/// Every measure that is a number but the count; the same names in the same order for every sample from one set.
std::vector<NamedValue> scalars(const Measures& measures);
/// Whether it judges the probabilities themselves, which a temperature is there to change: nll, brier, ece,
/// classwise_ece, kl_human and js_human.
bool is_of_probabilities(std::string_view name);
/// The values alone.
std::vector<double> values_of(const std::vector<NamedValue>& named);

}  // namespace penumbra::trainer
