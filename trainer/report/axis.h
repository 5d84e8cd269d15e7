#pragma once

#include <string>
#include <vector>

namespace penumbra::trainer {

struct Range {
  double low, high;
};

/// Round numbers, 1, 2 or 5 times a power of ten apart, at most `most` (2 or more) steps of them, from the last one at
/// or below `low` to the first one at or above `high`. Where both are equal, a step around them. Finite numbers only.
std::vector<double> ticks(Range range, int most);

/// As short as tells neighbours of ticks() apart.
std::string tick_label(double value);

/// Maps values of an axis to places on the picture.
struct Scale {
  Range values, places;
  double operator()(double value) const {
    return places.low + (value - values.low) / (values.high - values.low) * (places.high - places.low);
  }
};

}  // namespace penumbra::trainer
