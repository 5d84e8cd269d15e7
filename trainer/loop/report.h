#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

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
  std::int64_t skipped = 0;    ///< steps whose gradient was not finite: in none of the means
};

/// "epoch 3/12  120/391  loss 1.234 ..." - one dense line.
std::string console_line(const IntervalReport& report, double eta_seconds);
/// A row of metrics.jsonl.
nlohmann::json to_json(const IntervalReport& report);
std::string console_line(const Measures& measures, std::int64_t epoch, bool best);

}  // namespace penumbra::trainer
