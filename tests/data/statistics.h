#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

namespace penumbra::data::testing {

/// Kolmogorov-Smirnov distance times sqrt(n). Above 1.95 a right distribution comes in one of a thousand samples; the
/// draws are fixed by their seeds, so a test that passes passes always.
inline double kolmogorov_smirnov(std::vector<double> sample, const std::function<double(double)>& cdf) {
  std::sort(sample.begin(), sample.end());
  const double n = static_cast<double>(sample.size());
  double distance = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double expected = cdf(sample[i]);
    distance = std::max({distance, static_cast<double>(i + 1) / n - expected, expected - static_cast<double>(i) / n});
  }
  return distance * std::sqrt(n);
}
constexpr double kKolmogorovSmirnovLimit = 1.95;

/// Pearson's statistic of counts against equal expectations, as a standard normal deviate (Wilson and Hilferty).
inline double chi_square_deviate(std::span<const double> counts) {
  double total = 0, statistic = 0;
  for (const double count : counts) total += count;
  const double expected = total / static_cast<double>(counts.size());
  for (const double count : counts) statistic += (count - expected) * (count - expected) / expected;
  const double freedom = static_cast<double>(counts.size()) - 1, spread = 2 / (9 * freedom);
  return (std::cbrt(statistic / freedom) - (1 - spread)) / std::sqrt(spread);
}
constexpr double kDeviateLimit = 3.3;

struct Moments {
  double mean = 0, variance = 0;
};

inline Moments moments(std::span<const double> sample) {
  Moments m;
  for (const double x : sample) m.mean += x / static_cast<double>(sample.size());
  for (const double x : sample) m.variance += (x - m.mean) * (x - m.mean) / static_cast<double>(sample.size());
  return m;
}

}  // namespace penumbra::data::testing
