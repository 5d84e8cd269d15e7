#pragma once

#include <optional>

#include "data/store/sample_set.h"

namespace penumbra::trainer {

/// The rank correlation that the entropies of the true distributions would have with those of the votes: what a perfect
/// predictor would reach as `spearman_entropy`, since other annotators would have voted otherwise. It is estimated from
/// the votes alone. A face's votes for the classes are split at random into halves, without replacement (of an odd
/// number one half gets one more), and the halves' entropies have the rank correlation r, the mean over ten splits.
/// Then
///   2 r / (1 + r)         is the reliability of all votes together (Spearman 1910 and Brown 1910, "Correlation
///                         calculated from faulty data", "Some experimental results in the correlation of mental
///                         abilities", British Journal of Psychology 3), and
///   sqrt(2 r / (1 + r))   their correlation with what they measure (Spearman 1904, "The proof and measurement of
///                         association between two things", American Journal of Psychology 15).
/// Both are laws of sums of equal parts, not of entropies: on synthetic faces the result is within 0.03 of the true
/// one. None where votes are not whole numbers, r is not above 0, or fewer than three faces have two votes; a face with
/// fewer does not count. Which votes fall into which half follows from the row alone.
std::optional<double> entropy_ceiling(const data::SampleSet& set);

}  // namespace penumbra::trainer
