#pragma once

#include <string>
#include <vector>

#include "monitor/sample.h"

namespace penumbra::monitor {

/// A screen of text: progress, losses, uncertainty, ranks by lateness and checkpoints of each run. `now`: Unix time.
std::string live_view(const std::vector<RunView>& runs, double now);

/// The same as a JSON array with every value, for scripts.
std::string to_json(const std::vector<RunView>& runs);

/// "1:02:03", or "2:03" below an hour.
std::string duration(double seconds);

/// The values as bars of eight heights, scaled to their own range; none for fewer than two.
std::string sparkline(const std::vector<double>& numbers);

}  // namespace penumbra::monitor
