#pragma once

#include <span>
#include <string>
#include <vector>

namespace penumbra::trainer {

/// What to call runs side by side: their folders without the parents that all of them share.
std::vector<std::string> run_names(std::span<const std::string> folders);

/// What to call runs that differ in their seeds, by what their names share: "full" for "full/seed-1" and "full/seed-2";
/// the only one's name; and nothing where they share nothing.
std::string method_name(std::span<const std::string> names);

}  // namespace penumbra::trainer
