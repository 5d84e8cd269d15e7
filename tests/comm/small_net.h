#pragma once

#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

#include "comm/flat_parameters.h"

namespace penumbra::testing {

/// A small convolutional net of plain ATen operators, the same on every rank without any talk: two branches whose
/// order of execution, and so the order of their gradients, can be chosen; and a parameter that is never used.
struct SmallNet {
  static constexpr std::int64_t kClasses = 5;

  at::Tensor stem = leaf({6, 1, 3, 3}, 1), stem_bias = leaf({6}, 2);
  at::Tensor left = leaf({8, 6, 3, 3}, 3, at::MemoryFormat::ChannelsLast), right = leaf({8, 6, 1, 1}, 4);
  at::Tensor unused = leaf({7}, 5);
  at::Tensor linear = leaf({kClasses, 8}, 6), linear_bias = leaf({kClasses}, 7);
  at::Tensor stem_output = {};  ///< of the last forward

  static at::Tensor leaf(at::IntArrayRef shape, int seed, at::MemoryFormat format = at::MemoryFormat::Contiguous) {
    std::int64_t size = 1;
    for (const std::int64_t extent : shape) size *= extent;
    at::Tensor tensor = at::arange(size, at::kFloat).mul_(1.7).add_(seed).sin_().mul_(0.4).view(shape);
    if (shape.size() == 4) tensor = tensor.contiguous(format);
    return tensor.requires_grad_();
  }

  std::vector<comm::NamedTensor> parameters() const {
    return {{"stem", stem},     {"stem_bias", stem_bias},    {"left", left}, {"right", right}, {"unused", unused},
            {"linear", linear}, {"linear_bias", linear_bias}};
  }

  at::Tensor logits(const at::Tensor& images, bool right_first = false) {
    stem_output = at::relu(at::conv2d(images, stem, stem_bias, 1, 1));
    const auto run = [&](const at::Tensor& weight) {
      return at::relu(at::conv2d(stem_output, weight, {}, 1, (weight.size(2) - 1) / 2));
    };
    const at::Tensor first = run(right_first ? right : left), second = run(right_first ? left : right);
    return at::linear(first.add(second).mean(at::IntArrayRef{2, 3}), linear, linear_bias);
  }

  /// The local sum over the global batch size, as the training loop has it.
  at::Tensor loss(const at::Tensor& images, const at::Tensor& labels, std::int64_t global_batch,
                  bool right_first = false) {
    return at::cross_entropy_loss(logits(images, right_first), labels, {}, at::Reduction::Sum)
        .div(static_cast<double>(global_batch));
  }
};

/// The images of one step's global batch; each rank takes its rows. [batch, 1, 9, 9].
inline at::Tensor step_images(std::int64_t batch, int step) {
  return at::arange(batch * 81, at::kFloat).mul_(0.37 + 0.05 * step).sin_().view({batch, 1, 9, 9});
}

inline at::Tensor step_labels(std::int64_t batch, int step) {
  return at::arange(batch, at::kLong).mul_(3).add_(step).remainder_(SmallNet::kClasses);
}

/// The largest difference, relative to the largest value of `expected`.
inline double relative_error(const at::Tensor& value, const at::Tensor& expected) {
  return (value.sub(expected).abs().max() / expected.abs().max()).item<double>();
}

}  // namespace penumbra::testing
