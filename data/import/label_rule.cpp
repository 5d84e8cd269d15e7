#include "data/import/label_rule.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace penumbra::data {

const char* name_of(LabelRule rule) { return rule == LabelRule::majority ? "majority" : "argmax"; }

std::optional<int> hard_label(std::span<const int> votes, int classes, LabelRule rule) {
  std::vector<int> counted(votes.begin(), votes.end());
  if (rule == LabelRule::majority) std::replace(counted.begin(), counted.end(), 1, 0);
  const auto winner = std::max_element(counted.begin(), counted.end());
  const int remaining = std::accumulate(counted.begin(), counted.end(), 0);
  if (rule == LabelRule::majority && 2 * *winner <= remaining) return std::nullopt;
  const auto label = static_cast<int>(winner - counted.begin());
  if (label >= classes) return std::nullopt;
  return label;
}

}  // namespace penumbra::data
