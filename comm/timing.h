#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace penumbra::comm {

/// The upper one of the middle two. Not of nothing.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// How long `work()` takes.
template <typename Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace penumbra::comm
