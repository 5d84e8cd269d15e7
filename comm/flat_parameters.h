#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace penumbra::comm {

/// A tensor under its checkpoint name, e.g. "original.layer1.0.conv1.weight".
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

/// Moves dense fp32 tensors, at least one, to a new one [all elements] on the first one's device, of which they become
/// views, one after the other. Their strides stay.
at::Tensor make_views_of_one(const std::vector<NamedTensor>& tensors);

/// One parameter's interval of the flat index space.
struct Segment {
  std::string name;
  std::int64_t offset = 0;                   ///< elements
  std::int64_t size = 0;                     ///< elements
  std::vector<std::int64_t> sizes, strides;  ///< of the view; channels-last weights have permuted strides
  bool decay = true;                         ///< weight decay applies: false for biases and norms (dimension <= 1)
};

/// All trainable parameters as views into one contiguous fp32 buffer, their gradients views into a second one (within a
/// step of GradientSync, once their bucket is full). Segments lie in *reverse* order of execution, so that gradients
/// become ready front to back and buckets are runs of the buffer. Moments, averages, optimizer slices and checkpoint
/// shards are intervals of the same index space.
class FlatParameters {
 public:
  /// `parameters` in order of execution. Re-seats each tensor's storage (set_data) and gradient; the tensors given stay
  /// the parameters. They must be fp32, on one device, dense, and require grad.
  explicit FlatParameters(std::vector<NamedTensor> parameters);

  std::int64_t size() const;                       ///< elements
  const at::Tensor& values() const;                ///< [size] fp32
  const at::Tensor& gradients() const;             ///< [size] fp32
  at::Tensor zeros_like() const;                   ///< a further buffer of the layout, for moments and averages
  std::span<const Segment> segments() const;       ///< in layout order
  std::span<const at::Tensor> parameters() const;  ///< in layout order, aligned with segments()
  /// Text of names, offsets, shapes and strides: what ranks must agree on.
  std::string layout() const;

 private:
  at::Tensor values_, gradients_;
  std::vector<Segment> segments_;
  std::vector<at::Tensor> parameters_;
};

}  // namespace penumbra::comm
