#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace penumbra::comm {

/// Small fp32 tensors as one, so that they cross the network together.
class BufferPack {
 public:
  /// `tensors`: fp32, on one device. They are kept. Throws std::invalid_argument.
  explicit BufferPack(std::vector<at::Tensor> tensors);

  bool empty() const { return tensors_.empty(); }
  /// [elements] fp32, contiguous: all tensors' values now.
  const at::Tensor& pack();
  /// Writes the packed values, times `scale`, back to the tensors.
  void unpack(double scale);

 private:
  std::vector<at::Tensor> tensors_;
  at::Tensor packed_;
  std::vector<at::Tensor> views_;  ///< of packed_, one a tensor
};

}  // namespace penumbra::comm
