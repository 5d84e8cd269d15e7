#include "comm/buffer_pack.h"

#include <cstdint>
#include <stdexcept>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

namespace penumbra::comm {

BufferPack::BufferPack(std::vector<at::Tensor> tensors) : tensors_(std::move(tensors)) {
  if (tensors_.empty()) return;
  std::int64_t total = 0;
  for (const at::Tensor& tensor : tensors_) {
    if (tensor.scalar_type() != at::kFloat) throw std::invalid_argument("running statistics must be fp32");
    total += tensor.numel();
  }
  packed_ = at::empty({total}, tensors_.front().options().requires_grad(false));
  std::int64_t offset = 0;
  for (const at::Tensor& tensor : tensors_) {
    views_.push_back(packed_.narrow(0, offset, tensor.numel()).view(tensor.sizes()));
    offset += tensor.numel();
  }
}

const at::Tensor& BufferPack::pack() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < tensors_.size(); ++i) views_[i].copy_(tensors_[i]);
  return packed_;
}

void BufferPack::unpack(double scale) {
  if (empty()) return;
  const at::NoGradGuard no_grad;
  if (scale != 1) packed_.mul_(scale);
  for (std::size_t i = 0; i < tensors_.size(); ++i) tensors_[i].copy_(views_[i]);
}

}  // namespace penumbra::comm
