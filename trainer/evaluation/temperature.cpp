#include "trainer/evaluation/temperature.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace penumbra::trainer {
namespace {

constexpr double kColdest = 0.01, kHottest = 100;

/// First and second derivative of the mean loss by b = 1/T: E_p[z] - z_label and Var_p[z].
struct Derivatives {
  double first = 0, second = 0;
};

Derivatives derivatives(std::span<const float> logits, std::span<const std::int32_t> labels, std::size_t classes,
                        double b) {
  Derivatives sum;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = logits.subspan(i * classes, classes);
    // Relative to the largest logit: exp cannot overflow, and moments do not cancel.
    const double top = *std::max_element(row.begin(), row.end());
    double mass = 0, mean = 0, square = 0;
    for (const float logit : row) {
      const double z = logit - top, p = std::exp(b * z);
      mass += p;
      mean += p * z;
      square += p * z * z;
    }
    mean /= mass;
    sum.first += mean - (row[static_cast<std::size_t>(labels[i])] - top);
    sum.second += square / mass - mean * mean;
  }
  const auto count = static_cast<double>(labels.size());
  return {sum.first / count, sum.second / count};
}

void check(std::span<const float> logits, std::span<const std::int32_t> labels, std::int64_t classes) {
  if (labels.empty() || classes < 1 || logits.size() != labels.size() * static_cast<std::size_t>(classes)) {
    throw std::invalid_argument("fit_temperature: " + std::to_string(logits.size()) + " logits do not fit " +
                                std::to_string(labels.size()) + " labels of " + std::to_string(classes) + " classes");
  }
  if (!std::all_of(labels.begin(), labels.end(), [classes](std::int32_t y) { return y >= 0 && y < classes; })) {
    throw std::invalid_argument("fit_temperature: a label is not a class");
  }
  if (!std::all_of(logits.begin(), logits.end(), [](float z) { return std::isfinite(z); })) {
    throw std::invalid_argument("fit_temperature: a logit is not finite");
  }
}

}  // namespace

double fit_temperature(std::span<const float> logits, std::span<const std::int32_t> labels, std::int64_t classes) {
  check(logits, labels, classes);
  const auto at = [&](double b) { return derivatives(logits, labels, static_cast<std::size_t>(classes), b); };
  double low = 1 / kHottest, high = 1 / kColdest;
  const double slope_low = at(low).first, slope_high = at(high).first;
  if (slope_low == 0 && slope_high == 0) return 1;
  if (slope_low >= 0) return kHottest;
  if (slope_high <= 0) return kColdest;
  // Newton inside a bracket that shrinks; bisection of log b where Newton would leave it.
  double b = 1;
  for (int iteration = 0; iteration < 200 && high - low > 1e-10 * b; ++iteration) {
    const Derivatives d = at(b);
    (d.first < 0 ? low : high) = b;
    const double newton = b - d.first / d.second;
    const double next = newton > low && newton < high ? newton : std::sqrt(low * high);
    const bool done = std::abs(next - b) < 1e-10 * b;
    b = next;
    if (done) break;
  }
  return 1 / b;
}

}  // namespace penumbra::trainer
