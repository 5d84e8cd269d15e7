#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "trainer/evaluation/measures.h"

namespace penumbra::trainer {

/// One space in a log interval: the net that learns it, on its views. Means over the faces.
struct SpaceReport {
  double ce = 0, accuracy = 0;
  double uncertainty = 0;                           ///< entropy over ln C
  double attention_norm = 0, attention_spread = 0;  ///< of the label's map: 2-norm, standard deviation over cells
  double gradient_norm = 0;                         ///< of the net, before clipping
  std::vector<double> histogram;                    ///< faces by uncertainty, kUncertaintyBuckets
  std::vector<double> class_uncertainty;            ///< mean by label; NaN for a class without a face
};

/// What the user sees of one log interval. Losses and shares are means over the interval's global batches.
struct IntervalReport {
  std::int64_t epoch = 0, epochs = 0, step = 0, steps = 0;  ///< epoch from 0; step within the epoch, steps done
  double loss = 0, attention = 0, alignment = 0;
  double moved = 0, empty_attention = 0, learning_rate = 0;
  double gradient_norm = 0;         ///< of both nets together
  double agreement = 0;             ///< both spaces name the same class
  double mix_correlation = 0;       ///< of D with lambda over the faces; NaN where there is none
  SpaceReport original, ambiguous;  ///< the second is 0 where there is one net on weak views alone
  double images_per_second = 0;     ///< faces of the global batch a second; their two views count as one
  /// A step: all of it, waiting for data, forward and backward pass, waiting for gradients, the update. Of this rank.
  double step_seconds = 0, wait_seconds = 0, forward_seconds = 0, backward_seconds = 0, exposed_seconds = 0,
         optimizer_seconds = 0;
  int latest_rank = 0;           ///< which kept the others waiting most
  double latest_seconds = 0;     ///< a collective, on average; 0 on one rank
  std::vector<double> lateness;  ///< the same of every rank; empty on one rank
  std::int64_t taken = 0;        ///< steps of the interval
  std::int64_t skipped = 0;      ///< of them those whose gradient was not finite: in none of the means
};

/// "epoch 3/12  120/391  loss 1.234 ..." - one dense line.
std::string console_line(const IntervalReport& report, double eta_seconds);
/// A row of metrics.jsonl.
nlohmann::json to_json(const IntervalReport& report);
std::string console_line(const Measures& measures, std::int64_t epoch, bool best);

}  // namespace penumbra::trainer
