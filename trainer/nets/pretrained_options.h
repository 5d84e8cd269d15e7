#pragma once

#include <map>
#include <string>
#include <vector>

namespace penumbra::trainer {

/// Weights from elsewhere that a new run begins with.
struct PretrainedOptions {
  std::string file;                          ///< safetensors; empty: random initial weights
  std::map<std::string, std::string> names;  ///< prefixes of its names, and what they become
  std::vector<std::string> skip;             ///< prefixes of the net's names that stay as they were initialised
};

}  // namespace penumbra::trainer
