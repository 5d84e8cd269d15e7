#pragma once

#include <cstdint>

namespace penumbra::data {

/// Views a second of one core, half of them weak, half ambiguous.
struct ViewTiming {
  double renderer = 0;   ///< recipes and pixels alone
  double loader = 0;     ///< TrainLoader with one thread, whose batches nobody computes on
  double bandwidth = 0;  ///< what copying as many bytes as a view reads and writes would allow
};

/// Random images of `size` x `size` x `channels`, rendered for about `seconds` each way; medians of short turns.
ViewTiming time_views(int size, int channels, double seconds);

}  // namespace penumbra::data
