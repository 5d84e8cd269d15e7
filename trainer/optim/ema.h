#pragma once

#include <array>
#include <cstdint>

#include <ATen/core/Tensor.h>

#include "comm/flat_parameters.h"

namespace penumbra::trainer {

/// The decay a step with which what came `half_life` epochs ago counts half as much as what comes now.
double decay_of_half_life(double half_life, std::int64_t steps_per_epoch);

/// Exponential moving average of the flat weights and of the running statistics, starting from their values at
/// construction: a <- d a + (1 - d) x with d = min(decay, (1 + n) / (10 + n)) at update n = 0, 1, ..., so that early
/// averages follow quickly.
class WeightAverage {
 public:
  /// `statistics`: [elements] fp32, which the nets update in place.
  WeightAverage(const comm::FlatParameters& parameters, const at::Tensor& statistics, double decay);
  /// Throws std::logic_error while the averages are swapped in.
  void update();
  /// Exchanges the averaged and the live weights (and statistics); call again to go back.
  void swap();

  /// For checkpoints, while not swapped in: the averages, flat, and how often they were updated.
  const at::Tensor& weights() const { return average_[0]; }
  const at::Tensor& statistics() const { return average_[1]; }
  std::int64_t updates() const { return updates_; }
  void resume_at(std::int64_t updates) { updates_ = updates; }

 private:
  std::array<at::Tensor, 2> live_, average_;  ///< the weights, the statistics
  double decay_;
  std::int64_t updates_ = 0;
  bool swapped_ = false;
};

}  // namespace penumbra::trainer
