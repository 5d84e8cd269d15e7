#pragma once

#include <span>
#include <string>
#include <vector>

#include "trainer/report/markup.h"

namespace penumbra::trainer {

/// A row for each class with two bars from 0 to 1 one below the other: the annotators' share of it, and the predicted
/// one. human: [C], or empty: the predicted bars alone. predicted: [C].
Element share_bars(const std::vector<std::string>& classes, std::span<const double> human,
                   std::span<const double> predicted);

}  // namespace penumbra::trainer
