#pragma once

#include <optional>
#include <span>

namespace penumbra::data {

/// How FERPlus' votes become a hard label (method.md, section 10).
enum class LabelRule {
  majority,  ///< votes of 1 count as 0; the winner must have more than half of what remains
  argmax,    ///< the winner
};

const char* name_of(LabelRule rule);

/// Index of the winning column (the first of a tie), or nothing when the rule drops the face, as it does when a column
/// that is no class ("unknown", "NF") wins. `votes`: the `classes` classes first.
std::optional<int> hard_label(std::span<const int> votes, int classes, LabelRule rule);

}  // namespace penumbra::data
