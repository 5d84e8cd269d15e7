#pragma once

#include <algorithm>
#include <vector>

namespace penumbra::comm {

/// The upper one of the middle two. Not of nothing.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace penumbra::comm
