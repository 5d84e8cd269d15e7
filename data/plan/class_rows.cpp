#include "data/plan/class_rows.h"

#include <algorithm>

namespace penumbra::data {

std::vector<std::vector<std::int64_t>> rows_by_class(std::span<const std::int32_t> labels) {
  std::vector<std::vector<std::int64_t>> classes;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const auto label = static_cast<std::size_t>(labels[row]);
    if (label >= classes.size()) classes.resize(label + 1);
    classes[label].push_back(static_cast<std::int64_t>(row));
  }
  return classes;
}

}  // namespace penumbra::data
