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
  /// `pinned`: in page-locked memory, which ATen uses again by itself once a device has read it.
  explicit ViewBuffers(bool pinned = false) : pinned_(pinned) {}

  /// [rows, channels, size, size] fp32, channels-last, whose values are unspecified. Not to be resized.
  at::Tensor take(std::int64_t rows, int channels, int size);

 private:
  const bool pinned_;
  std::mutex mutex_;
  std::vector<at::Tensor> tensors_;
};

}  // namespace penumbra::data
