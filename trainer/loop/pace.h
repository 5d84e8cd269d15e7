#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "trainer/config.h"
#include "trainer/objective/objective.h"

namespace penumbra::trainer {

/// What of a step depends on where in the run it is: 0-dim tensors, all views of one.
struct Pace {
  Ramps ramps;
  at::Tensor learning_rate;
  at::Tensor count;  ///< of this step, from 1; on a GPU exact up to 2^24
};

/// Step `count` of the run: [5] fp64 in host memory. `global_batch` scales the learning rate.
at::Tensor pace_numbers(const Config& config, Progress progress, std::int64_t count, std::int64_t global_batch);

/// The numbers for steps on `device`: a copy, in fp32 on a GPU, whose fused optimizers take no other.
at::Tensor pace_on(at::Device device, const at::Tensor& numbers);

/// The numbers under their names, where they lie.
Pace pace_of(const at::Tensor& numbers);

}  // namespace penumbra::trainer
