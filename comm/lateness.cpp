#include "comm/lateness.h"

#include <algorithm>

namespace penumbra::comm {
namespace {

/// The last `count` collectives before the next one, which is the exchange of these numbers.
std::vector<double> last_durations(const FlightRecorder& recorder, std::size_t count) {
  std::vector<double> durations;
  for (const FlightEntry& entry : recorder.entries()) durations.push_back(entry.ended - entry.started);
  if (durations.size() > count)
    durations.erase(durations.begin(), durations.end() - static_cast<std::ptrdiff_t>(count));
  return durations;
}

}  // namespace

std::vector<double> lateness_from(const std::vector<std::vector<double>>& durations) {
  const std::size_t collectives = durations.empty() ? 0 : durations.front().size();
  if (collectives == 0) return {};
  std::vector<double> late(durations.size(), 0);
  for (std::size_t c = 0; c < collectives; ++c) {
    double longest = 0;
    for (const auto& rank : durations) longest = std::max(longest, rank[c]);
    for (std::size_t r = 0; r < durations.size(); ++r)
      late[r] += (longest - durations[r][c]) / static_cast<double>(collectives);
  }
  return late;
}

std::vector<double> lateness(World& world, std::size_t count) {
  if (world.size() == 1) return {};
  return lateness_from(world.all_gather(last_durations(world.recorder(), count)));
}

}  // namespace penumbra::comm
