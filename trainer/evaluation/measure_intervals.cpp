#include "trainer/evaluation/measure_intervals.h"

#include <limits>

namespace penumbra::trainer {
namespace {

std::vector<ConfidenceInterval> intervals_of(std::span<const std::vector<double>> rows) {
  std::vector<ConfidenceInterval> out;
  for (const auto& row : rows) out.push_back(percentile_interval(row));
  return out;
}

}  // namespace

MeasureIntervals measure_intervals(const FaceColumns& columns, const BootstrapOptions& options) {
  const auto statistic = [&](std::uint32_t, Weights weights) {
    const Measures m = measure(columns, weights);
    std::vector<double> out = values_of(scalars(m));
    for (const ClassMeasures& one : by_class(m)) {
      out.push_back(one.recall.value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    return out;
  };
  const auto rows = replicates(columns.faces, statistic, options);
  const auto all = std::span(rows);
  return {intervals_of(all.first(rows.size() - columns.classes)), intervals_of(all.last(columns.classes))};
}

}  // namespace penumbra::trainer
