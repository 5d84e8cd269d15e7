#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "monitor/metrics.h"

namespace penumbra::monitor {

/// What a monitor says of itself and of the ranks that report to it.
enum class OwnMetric { rank_up, rank_seen, rank_dropped, outcome, runs, updates, rejected };

struct OwnDescription {
  OwnMetric metric;
  std::string_view name;
  MetricType type;
  std::vector<std::string_view> labels;  ///< all of them
  std::string_view meaning;
};

/// In the order of the enum.
std::span<const OwnDescription> own_descriptions();

}  // namespace penumbra::monitor
