#include "trainer/evaluation/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "data/parallel.h"
#include "data/plan/philox.h"

namespace penumbra::trainer {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<double> existing(std::span<const double> values) {
  std::vector<double> out;
  std::copy_if(values.begin(), values.end(), std::back_inserter(out), [](double v) { return !std::isnan(v); });
  return out;
}

/// sorted: not empty.
double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::vector<double> multiplicities(std::size_t faces, std::uint32_t resample, std::uint64_t seed) {
  data::Draws draws(seed, data::Purpose::bootstrap, 0, resample);
  std::vector<double> out(faces, 0);
  for (std::size_t k = 0; k < faces; ++k) ++out[draws.below(faces)];
  return out;
}

std::vector<std::vector<double>> replicates(std::size_t faces, const Statistic& statistic,
                                            const BootstrapOptions& options) {
  if (faces == 0 || options.resamples < 1) throw std::invalid_argument("bootstrap: no faces, or no resamples");
  const std::int64_t resamples = options.resamples;
  std::vector<std::vector<double>> by_resample(static_cast<std::size_t>(resamples));
  data::for_runs(resamples, /*run=*/1, std::max(1, options.threads), [&](std::int64_t resample, std::int64_t) {
    const auto r = static_cast<std::uint32_t>(resample);
    by_resample[r] = statistic(r, multiplicities(faces, r, options.seed));
  });
  std::vector<std::vector<double>> out(by_resample[0].size(), std::vector<double>(by_resample.size()));
  for (std::size_t r = 0; r < by_resample.size(); ++r) {
    for (std::size_t k = 0; k < out.size(); ++k) out[k][r] = by_resample[r][k];
  }
  return out;
}

ConfidenceInterval percentile_interval(std::span<const double> replicates, double level) {
  std::vector<double> sorted = existing(replicates);
  if (sorted.empty()) return {kNone, kNone};
  std::sort(sorted.begin(), sorted.end());
  return {quantile(sorted, (1 - level) / 2), quantile(sorted, (1 + level) / 2)};
}

double two_sided_p(std::span<const double> differences) {
  const std::vector<double> all = existing(differences);
  if (all.empty()) return kNone;
  const auto below = std::count_if(all.begin(), all.end(), [](double d) { return d <= 0; });
  const auto above = std::count_if(all.begin(), all.end(), [](double d) { return d >= 0; });
  return std::min(1.0, 2 * static_cast<double>(1 + std::min(below, above)) / static_cast<double>(all.size() + 1));
}

}  // namespace penumbra::trainer
