#include "trainer/report/axis.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace penumbra::trainer {
namespace {

/// The smallest of 1, 2 and 5 times a power of ten that is at least `least`.
double round_step(double least) {
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::vector<double> ticks(Range range, int most) {
  const double span = range.high - range.low, size = std::max(std::abs(range.low), std::abs(range.high));
  if (span <= size * 1e-9)
    return ticks({range.low - (size > 0 ? size / 2 : 1), range.high + (size > 0 ? size / 2 : 1)}, most);
  // Rounding both ends outwards may take two steps more than fit.
  double step = round_step(span / most);
  const auto first = [&] { return std::floor(range.low / step + 1e-9); };
  const auto last = [&] { return std::ceil(range.high / step - 1e-9); };
  while (last() - first() > most) step = round_step(step * 1.5);
  std::vector<double> out;
  for (double k = first(); k <= last(); ++k) out.push_back(k * step);
  return out;
}

std::string tick_label(double value) { return fmt::format("{:.6g}", value == 0 ? 0 : value); }

}  // namespace penumbra::trainer
