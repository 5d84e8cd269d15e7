#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "trainer/evaluation/ranking.h"

namespace penumbra::trainer {

struct BootstrapOptions {
  int resamples = 1000;
  std::uint64_t seed = 1;
  int threads = 1;  ///< at most so many work at once; nothing depends on it
};

/// What is to be known of one resample: as many numbers each time, NaN where one does not exist. `resample` counts from
/// 0. Called by several threads at once.
using Statistic = std::function<std::vector<double>(std::uint32_t resample, Weights weights)>;

/// The nonparametric bootstrap over faces (Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapter 6):
/// each resample draws `faces` of them with replacement. Returns the numbers of `statistic`, one row each of all
/// resamples in order. Draw k of resample r is the k-th of Draws(seed, Purpose::bootstrap, 0, r), so that two
/// statistics of the same set see the same resamples. Throws std::invalid_argument without faces or resamples.
std::vector<std::vector<double>> replicates(std::size_t faces, const Statistic& statistic,
                                            const BootstrapOptions& options);

/// How often each face is drawn in one resample, [faces], of sum `faces`.
std::vector<double> multiplicities(std::size_t faces, std::uint32_t resample, std::uint64_t seed);

struct ConfidenceInterval {
  double low, high;  ///< NaN where there is nothing to take it from
};

/// The percentile interval (the same book, chapter 13): from the (1 - level)/2 to the (1 + level)/2 quantile of the
/// replicates that exist, linear between order statistics.
ConfidenceInterval percentile_interval(std::span<const double> replicates, double level = 0.95);

/// Two-sided p-value of "the difference is 0" from replicates of a difference: the level at which an end of the
/// percentile interval meets 0 (the same book, section 15.4), so that p < 0.05 where the 95 % interval leaves 0 out,
///   p = min(1, 2 min(1 + #{d <= 0}, 1 + #{d >= 0}) / (B + 1)),
/// where adding 1 keeps it above 0 (Davison & Hinkley, "Bootstrap methods and their application", 1997, section 4.2).
/// NaN without a replicate that exists.
double two_sided_p(std::span<const double> differences);

}  // namespace penumbra::trainer
