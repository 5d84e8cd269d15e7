#include "trainer/evaluation/compare_runs.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "data/plan/philox.h"

namespace penumbra::trainer {
namespace {

/// Each run once.
std::vector<std::size_t> all_of(std::size_t runs) {
  std::vector<std::size_t> out(runs);
  std::iota(out.begin(), out.end(), std::size_t{0});
  return out;
}

/// As many as there are, with replacement. `side` keeps the draws of both sides and those of the faces apart.
std::vector<std::size_t> drawn_runs(std::size_t runs, std::uint32_t resample, std::uint32_t side, std::uint64_t seed) {
  data::Draws draws(seed, data::Purpose::bootstrap, 0, resample, side);
  std::vector<std::size_t> out(runs);
  for (std::size_t& run : out) run = draws.below(runs);
  return out;
}

/// Each measure's mean over the chosen runs; NaN where it does not exist for one of them.
std::vector<double> mean_of(std::span<const FaceColumns> runs, const std::vector<std::size_t>& chosen,
                            Weights weights) {
  std::vector<std::vector<double>> measured(runs.size());
  std::vector<double> mean;
  for (const std::size_t run : chosen) {
    if (measured[run].empty()) measured[run] = values_of(scalars(measure(runs[run], weights)));
    mean.resize(measured[run].size());
    for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += measured[run][k];
  }
  for (double& value : mean) value /= static_cast<double>(chosen.size());
  return mean;
}

std::vector<double> minus(std::vector<double> a, const std::vector<double>& b) {
  std::transform(a.begin(), a.end(), b.begin(), a.begin(), [](double x, double y) { return x - y; });
  return a;
}

void check(std::span<const FaceColumns> a, std::span<const FaceColumns> b) {
  if (a.empty() || b.empty()) throw std::invalid_argument("compare_runs: a side has no run");
  const auto other = [&](const FaceColumns& run) { return run.label != a[0].label || run.classes != a[0].classes; };
  if (std::any_of(a.begin(), a.end(), other) || std::any_of(b.begin(), b.end(), other)) {
    throw std::invalid_argument("compare_runs: the runs are not of the same set");
  }
}

}  // namespace

std::vector<Difference> compare_runs(std::span<const FaceColumns> a, std::span<const FaceColumns> b,
                                     const BootstrapOptions& options) {
  check(a, b);
  const std::vector<double> once(a[0].faces, 1);
  const std::vector<double> of_a = mean_of(a, all_of(a.size()), once), of_b = mean_of(b, all_of(b.size()), once);
  const auto statistic = [&](std::uint32_t resample, Weights weights) {
    return minus(mean_of(a, drawn_runs(a.size(), resample, 1, options.seed), weights),
                 mean_of(b, drawn_runs(b.size(), resample, 2, options.seed), weights));
  };
  const auto rows = replicates(a[0].faces, statistic, options);
  const std::vector<NamedValue> names = scalars(measure(a[0]));
  std::vector<Difference> out;
  for (std::size_t k = 0; k < names.size(); ++k) {
    out.push_back(
        {names[k].name, of_a[k], of_b[k], of_a[k] - of_b[k], percentile_interval(rows[k]), two_sided_p(rows[k])});
  }
  return out;
}

}  // namespace penumbra::trainer
