#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "trainer/evaluation/measures.h"

namespace penumbra::trainer {

/// What the user sees of one log interval. Losses and shares are means over the interval's global batches.
struct IntervalReport {
  std::int64_t epoch = 0, epochs = 0, step = 0, steps = 0;  ///< epoch from 0; step within the epoch, steps done
  double loss = 0, ce_original = 0, ce_ambiguous = 0, attention = 0, alignment = 0;
  double accuracy_original = 0, accuracy_ambiguous = 0;
  double moved = 0, empty_attention = 0, gradient_norm = 0, learning_rate = 0;
  double images_per_second = 0;  ///< faces of the global batch a second; their two views count as one
  double step_seconds = 0, wait_seconds = 0,
         exposed_seconds = 0;  ///< a step: all of it, waiting for data, waiting for gradients
  int latest_rank = 0;         ///< which kept the others waiting most
  double latest_seconds = 0;   ///< a collective, on average; 0 on one rank
};

/// "epoch 3/12  120/391  loss 1.234 ..." - one dense line.
std::string console_line(const IntervalReport& report, double eta_seconds);
std::string console_line(const Measures& measures, std::int64_t epoch, bool best);

/// A bar on the terminal that redraws itself; does nothing when stdout is not a terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::int64_t total_steps);
  void show(std::int64_t done);
  void clear() const;  ///< before another line is printed
  /// Seconds still to go at the present pace, from steps done since construction.
  double eta_seconds(std::int64_t done) const;

 private:
  std::int64_t total_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace penumbra::trainer
