#pragma once

#include <cstdint>

#include "trainer/nets/net_options.h"
#include "trainer/objective/class_balance_options.h"

namespace penumbra::trainer {

/// What becomes of a step whose gradient is not finite.
enum class NonFinite {
  stop,       ///< the run ends at the end of the log interval; no such state reaches a checkpoint
  skip,       ///< it changes nothing
  roll_back,  ///< weights, moments and banks of the newest checkpoint; the batches since then stay behind
};
enum class Labels { hard, votes };
enum class Norm { batch, sync };  ///< batch statistics: the rank's own, or those of all ranks
enum class DeviceChoice { automatic, cpu, cuda };
enum class GraphChoice { automatic, on, off };  ///< automatic: where one rank trains
enum class Precision { fp32, bf16 };

struct TrainingOptions {
  Method method = Method::full;
  std::int64_t epochs = 12;
  DeviceChoice device = DeviceChoice::automatic;
  GraphChoice graph = GraphChoice::automatic;
  bool deterministic = false;  ///< on a GPU
  Precision precision = Precision::fp32;
  Labels labels = Labels::hard;
  Convolutions convolutions = Convolutions::shared;
  ClassBalanceOptions balance;
  double label_smoothing = 0;  ///< [0, 1): share of a given label that is spread over all classes
  Norm norm = Norm::batch;
  NonFinite non_finite = NonFinite::stop;
  std::int64_t accumulate = 1;  ///< parts that a rank's share of a batch is taken in
  double ema_decay = 0;         ///< a step; 0: no weight averaging, or by the half-life
  double ema_half_life = 0;     ///< epochs; 0: no weight averaging, or by the decay
  std::int64_t threads = 0;     ///< compute threads a rank; 0: the cores it has
  std::int64_t tune_steps = 0;  ///< steps that each bucket size and thread count is tried for; 0: as configured
};

}  // namespace penumbra::trainer
