#include "trainer/evaluation/measure_intervals.h"

namespace penumbra::trainer {

MeasureIntervals measure_intervals(const FaceColumns& columns, const BootstrapOptions& options) {
  const auto statistic = [&](std::uint32_t, Weights weights) {
    const Measures m = measure(columns, weights);
    std::vector<double> out = values_of(scalars(m));
    for (const ClassMeasures& one : by_class(m)) {
      for (const auto& value : {one.recall, one.precision, one.f1}) out.push_back(or_nan(value));
    }
    return out;
  };
  MeasureIntervals out;
  for (const auto& row : replicates(columns.faces, statistic, options)) out.scalars.push_back(percentile_interval(row));
  const auto of_classes = out.scalars.end() - static_cast<std::ptrdiff_t>(3 * columns.classes);
  for (auto one = of_classes; one != out.scalars.end(); one += 3) out.classes.push_back({one[0], one[1], one[2]});
  out.scalars.erase(of_classes, out.scalars.end());
  return out;
}

}  // namespace penumbra::trainer
