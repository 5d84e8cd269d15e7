#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace penumbra::data {

/// The rows of each class, ascending; classes that no label names may be missing at the end.
std::vector<std::vector<std::int64_t>> rows_by_class(std::span<const std::int32_t> labels);

}  // namespace penumbra::data
