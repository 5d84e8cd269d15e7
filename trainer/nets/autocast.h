#pragma once

#include <ATen/core/Tensor.h>

namespace penumbra::trainer {

/// Switches bf16 autocast of a device's operators on or off for a scope and restores what was there. Per thread; scopes
/// nest. Leaving the outermost scope drops the cached bf16 copies of the weights, which would go stale with the next
/// update.
class Autocast {
 public:
  Autocast(const at::Device& device, bool enabled);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType device_;
  bool was_enabled_;
  at::ScalarType was_dtype_;
};

/// fp32 for reduced precisions; fp32 and fp64 pass through. Differentiable.
at::Tensor full_precision(const at::Tensor& x);

}  // namespace penumbra::trainer
