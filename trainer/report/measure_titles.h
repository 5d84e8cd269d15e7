#pragma once

#include <string>
#include <string_view>

namespace penumbra::trainer {

/// What a measure is called in a report, and which way is better: "accuracy ↑". One that has no title keeps its key.
std::string measure_title(std::string_view key);

}  // namespace penumbra::trainer
