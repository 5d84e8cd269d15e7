#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "trainer/evaluation/bootstrap.h"
#include "trainer/evaluation/measures.h"

namespace penumbra::trainer {

/// One measure of two methods, and how far they are apart.
struct Difference {
  std::string_view name;
  double a, b;                  ///< of the whole set, the mean over the runs of a side; NaN where it does not exist
  double difference;            ///< a - b
  ConfidenceInterval interval;  ///< of the difference, 95 %
  double p;                     ///< two-sided, of "there is none"; see two_sided_p()
};

/// The paired bootstrap: both sides see the same resampled faces, so that what makes a face hard for both cancels. Of
/// several runs a side, the seeds of one method, as many are drawn with replacement in each resample, independently of
/// the other side's: the interval then is about the methods, otherwise about these two runs alone. Few seeds tell
/// little: with k of them a resample's variance between seeds is (k - 1)/k of the true one. All columns are of the same
/// set; each side has at least one. Throws std::invalid_argument.
std::vector<Difference> compare_runs(std::span<const FaceColumns> a, std::span<const FaceColumns> b,
                                     const BootstrapOptions& options);

}  // namespace penumbra::trainer
