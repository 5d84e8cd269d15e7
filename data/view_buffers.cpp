#include "data/view_buffers.h"

#include <algorithm>
#include <array>

#include <ATen/ops/empty.h>

namespace penumbra::data {
namespace {

/// Neither this tensor nor a view of it is held by anyone else.
bool is_free(const at::Tensor& tensor) { return tensor.use_count() == 1 && tensor.storage().use_count() == 1; }

}  // namespace

at::Tensor ViewBuffers::take(std::int64_t rows, int channels, int size) {
  const std::array<std::int64_t, 4> sizes = {rows, channels, size, size};
  const at::TensorOptions options = at::TensorOptions(at::kFloat).pinned_memory(pinned_);
  if (pinned_) return at::empty(sizes, options, at::MemoryFormat::ChannelsLast);
  const std::lock_guard lock(mutex_);
  // What nobody uses and does not fit is of another epoch's end or another set: it goes.
  std::erase_if(tensors_, [&](const at::Tensor& tensor) { return is_free(tensor) && tensor.sizes() != sizes; });
  const auto found = std::ranges::find_if(tensors_, is_free);
  if (found != tensors_.end()) return *found;
  return tensors_.emplace_back(at::empty(sizes, options, at::MemoryFormat::ChannelsLast));
}

}  // namespace penumbra::data
