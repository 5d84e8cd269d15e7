#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/store/sample_set.h"

namespace penumbra::trainer {

/// How well posteriors fit a set (method.md, section 7). Shares in [0, 1], nats where logarithmic.
struct Measures {
  std::int64_t count = 0;
  double accuracy = 0;                      ///< top-1 against the hard label
  std::optional<double> majority_accuracy;  ///< the same over faces with a class voted by more than half (votes <= 1
                                            ///< dropped, unknown/NF counted)
  double mean_class_accuracy = 0;           ///< mean recall over the classes present
  double macro_f1 = 0;                      ///< over the classes present
  double nll = 0, brier = 0;  ///< against the hard label; Brier: sum over classes of squared error, mean over faces
  double ece = 0;             ///< expected calibration error of the top class, 15 equal-width bins
  std::optional<double> kl_human;          ///< mean KL(votes || p), unknown/NF removed
  std::optional<double> spearman_entropy;  ///< rank correlation of H(p) with H(votes), ties averaged
  std::optional<double>
      auroc_error;  ///< of predictive entropy telling wrong from right; none when all are right or wrong
  std::vector<std::vector<std::int64_t>> confusion;  ///< [true][predicted]
  // Only where the true distribution is known (synthetic faces):
  std::optional<double> ceiling_accuracy;       ///< accuracy of the arg max of the true distribution
  std::optional<double> spearman_true_entropy;  ///< rank correlation of H(p) with the true entropy
};

/// posterior: [N, C] row-major, rows sum to 1; N == set.size().
Measures measure(std::span<const float> posterior, const data::SampleSet& set);

double spearman(std::span<const double> a, std::span<const double> b);  ///< NaN when either is constant
double auroc(std::span<const double> score,
             std::span<const std::uint8_t> positive);  ///< ties count half; NaN with one class only

/// Annotators' distribution over the C classes: the first C vote columns renormalised, [N, C]; empty without votes.
std::vector<float> vote_distribution(const data::SampleSet& set);

}  // namespace penumbra::trainer
