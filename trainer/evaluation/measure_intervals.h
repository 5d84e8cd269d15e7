#pragma once

#include <vector>

#include "trainer/evaluation/bootstrap.h"
#include "trainer/evaluation/measures.h"

namespace penumbra::trainer {

struct ClassIntervals {
  ConfidenceInterval recall, precision, f1;
};

/// 95 % intervals of one run's measures on one set. Where a measure does not exist in a resample (no error was drawn,
/// say), the others count.
struct MeasureIntervals {
  std::vector<ConfidenceInterval> scalars;  ///< as scalars() has them
  std::vector<ClassIntervals> classes;      ///< [C]
};
MeasureIntervals measure_intervals(const FaceColumns& columns, const BootstrapOptions& options);

}  // namespace penumbra::trainer
