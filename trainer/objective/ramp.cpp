#include "trainer/objective/ramp.h"

#include <algorithm>
#include <cmath>

namespace penumbra::trainer {

double ramp(double t, double length) {
  if (t < 0) return 0;
  if (length <= 0) return 1;
  const double missing = 1 - std::min(t / length, 1.0);
  return std::exp(-5 * missing * missing);
}

}  // namespace penumbra::trainer
