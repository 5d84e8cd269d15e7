#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "comm/collective.h"

namespace penumbra::trainer {

/// What one rank keeps of a flat fp32 array of `size` elements: some intervals of it, their values one after the other.
struct ArrayPart {
  std::int64_t size = 0;
  std::vector<comm::Interval> intervals;  ///< non-empty ones
  std::vector<float> values;
  bool sparse = false;  ///< what no rank has is 0, what several have is their sum; else all of it must be there
};

/// A rank's share of a training state, by name. The shares of all ranks together cover every array.
using StateArrays = std::map<std::string, ArrayPart>;

/// A whole training state.
using WholeArrays = std::map<std::string, std::vector<float>>;

/// Puts the ranks' parts together. Throws data::DataError, naming the array, where a part lies outside it, two
/// disagree about its size, or it is not covered.
WholeArrays join(const std::vector<StateArrays>& shares);

}  // namespace penumbra::trainer
