#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/store/sample_set.h"
#include "trainer/evaluation/ranking.h"

namespace penumbra::trainer {

constexpr std::size_t kCalibrationBins = 15;

/// How far claimed probabilities are from what happened, and the bin of each, (k/15, (k+1)/15].
struct CalibrationColumn {
  std::vector<double> gap;  ///< probability minus 1 where it came true, else minus 0
  std::vector<std::uint8_t> bin;
};

/// What the banks of a training say of its samples (method.md, section 4): u and n, [N] in [0, 1].
struct BankScores {
  std::vector<double> uncertainty, disagreement;
};

/// What each of N faces adds to the measures, worked out once: a measure is then a sum over faces under any weights.
/// Divergences in nats. Columns that need votes, clean labels or the true distribution are empty where the set has
/// none.
struct FaceColumns {
  /// posterior: [N, C] row-major, finite, rows sum to 1; N == set.size() > 0; `bank`: of the same faces. Throws
  /// std::invalid_argument.
  FaceColumns(std::span<const float> posterior, const data::SampleSet& set,
              const std::optional<BankScores>& bank = std::nullopt);

  std::size_t faces, classes;
  std::vector<std::uint32_t> label, predicted;  ///< [N]
  std::vector<std::uint8_t> wrong;              ///< [N]: the label is not predicted
  std::vector<double> nll, brier;               ///< [N]
  CalibrationColumn top;                        ///< [N], of the predicted class
  CalibrationColumn by_class;                   ///< [N, C]
  Ranking entropy;                              ///< of the posterior

  // Where there are votes, of the faces' distributions over the classes (unknown and NF removed):
  std::vector<double> kl, js, cosine;               ///< [N], against the posterior
  std::vector<std::uint8_t> split_vote;             ///< [N]: no class has more than half
  std::vector<std::uint8_t> majority, right_of_it;  ///< [N]: the votes agree on a class; the predicted one
  std::optional<Ranking> vote_entropy;

  // Where clean labels are known:
  std::vector<std::uint8_t> flipped;                           ///< [N]: the label is another one
  std::optional<Ranking> label_doubt;                          ///< 1 - posterior of the label
  std::optional<Ranking> bank_uncertainty, bank_disagreement;  ///< where the banks say something of the faces

  // Where the true distribution is known:
  std::vector<std::uint8_t> truth_right;  ///< [N]: its arg max is the label
  std::optional<Ranking> true_entropy;
};

/// Annotators' distribution over the C classes: the first C vote columns renormalised, [N, C]; empty without votes.
std::vector<float> vote_distribution(const data::SampleSet& set);

}  // namespace penumbra::trainer
