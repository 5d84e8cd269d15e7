#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "comm/flat_parameters.h"

namespace penumbra::trainer {

/// Exponential moving average of the flat weights and of the running statistics:
/// a <- d a + (1 - d) x with d = min(decay, (1 + n) / (10 + n)) at update n, so that early averages follow quickly.
class WeightAverage {
 public:
  WeightAverage(const comm::FlatParameters& parameters, std::vector<at::Tensor> buffers, double decay);
  void update();
  /// Exchanges the averaged and the live weights (and statistics); call again to go back.
  void swap();

 private:
  at::Tensor live_;
  std::vector<at::Tensor> live_buffers_;
  at::Tensor average_;
  std::vector<at::Tensor> average_buffers_;
  double decay_;
  long updates_ = 0;
};

}  // namespace penumbra::trainer
