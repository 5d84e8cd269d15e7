#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include <ATen/core/Tensor.h>

namespace penumbra::data {

/// Tensors for views that are used again once nobody holds them any more: the kernel clears every new page of a large
/// one, which takes as long as rendering into it. Thread-safe.
class ViewBuffers {
 public:
  /// [rows, channels, size, size] fp32, channels-last, whose values are unspecified. Not to be resized.
  at::Tensor take(std::int64_t rows, int channels, int size);

 private:
  std::mutex mutex_;
  std::vector<at::Tensor> tensors_;
};

}  // namespace penumbra::data
