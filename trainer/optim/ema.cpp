#include "trainer/optim/ema.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>

namespace penumbra::trainer {

double decay_of_half_life(double half_life, std::int64_t steps_per_epoch) {
  return std::exp2(-1 / (half_life * static_cast<double>(steps_per_epoch)));
}

WeightAverage::WeightAverage(const comm::FlatParameters& parameters, const at::Tensor& statistics, double decay)
    : live_{parameters.values(), statistics}, average_{live_[0].clone(), live_[1].clone()}, decay_(decay) {}

void WeightAverage::update() {
  if (swapped_) throw std::logic_error("the averaged weights are swapped in: swap back before update()");
  const at::NoGradGuard no_grad;
  const double n = static_cast<double>(updates_++);
  const double decay = std::min(decay_, (1 + n) / (10 + n));
  at::_foreach_lerp_(average_, live_, 1 - decay);
}

void WeightAverage::swap() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < live_.size(); ++i) {
    const at::Tensor kept = live_[i].clone();
    live_[i].copy_(average_[i]);
    average_[i].copy_(kept);
  }
  swapped_ = !swapped_;
}

}  // namespace penumbra::trainer
