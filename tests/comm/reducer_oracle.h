#pragma once

#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "comm/world.h"

namespace penumbra::testing {

/// PyTorch's own c10d::Reducer, the heart of DistributedDataParallel, over the same MPI: what GradientSync must equal.
class ReducerOracle {
 public:
  ReducerOracle(std::vector<at::Tensor> parameters, comm::World& world);
  ~ReducerOracle();
  ReducerOracle(const ReducerOracle&) = delete;
  ReducerOracle& operator=(const ReducerOracle&) = delete;

  /// Backward through `loss`; leaves in each parameter's grad the sum over the ranks, as fp32.
  void backward(const at::Tensor& loss);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penumbra::testing
