#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace penumbra::trainer {

/// A bar on the terminal that redraws itself; does nothing when its stream, stdout or stderr, is not a terminal.
class ProgressBar {
 public:
  /// `first`: steps that a resumed run has behind it.
  ProgressBar(std::FILE* stream, std::int64_t total_steps, std::int64_t first = 0);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void show(std::int64_t done);
  void clear() const;  ///< before another line is printed
  /// Seconds still to go at the pace since construction.
  double eta_seconds(std::int64_t done) const;

 private:
  std::FILE* stream_;
  std::int64_t total_, first_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace penumbra::trainer
