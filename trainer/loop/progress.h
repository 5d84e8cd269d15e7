#pragma once

#include <chrono>
#include <cstdint>

namespace penumbra::trainer {

/// A bar on the terminal that redraws itself; does nothing when stdout is not a terminal.
class ProgressBar {
 public:
  /// `first`: steps that a resumed run has behind it.
  ProgressBar(std::int64_t total_steps, std::int64_t first);
  void show(std::int64_t done);
  void clear() const;  ///< before another line is printed
  /// Seconds still to go at the pace since construction.
  double eta_seconds(std::int64_t done) const;

 private:
  std::int64_t total_, first_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace penumbra::trainer
