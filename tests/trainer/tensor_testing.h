#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

namespace penumbra::testing {

// Tensors of a few hundred values: a second thread only waits, and several tests run at once.
inline const bool kOneThread = [] {
  at::set_num_threads(1);
  return true;
}();

/// Standard normal fp64 values of a seed.
inline at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  return at::empty(shape, at::kDouble).normal_(0, 1, at::detail::createCPUGenerator(seed));
}

/// Uniform fp64 values in [low, high).
inline at::Tensor uniform(at::IntArrayRef shape, std::uint64_t seed, double low = 0, double high = 1) {
  return at::empty(shape, at::kDouble).uniform_(low, high, at::detail::createCPUGenerator(seed));
}

/// Logical order, fp64.
inline std::vector<double> values(const at::Tensor& x) {
  const auto flat = x.detach().to(at::kDouble).contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
}

/// Largest |autograd - central difference| over `probes` entries, spread evenly, of the fp64 leaf x in the scalar
/// loss().
inline double gradient_error(const std::function<at::Tensor()>& loss, at::Tensor x, int probes = 8,
                             double step = 1e-6) {
  x.mutable_grad() = at::Tensor();
  loss().backward();
  const auto gradient =
      x.grad().defined() ? values(x.grad()) : std::vector<double>(static_cast<std::size_t>(x.numel()));
  const at::NoGradGuard no_grad;
  double worst = 0;
  for (int probe = 0; probe < probes; ++probe) {
    const auto i = (2 * probe + 1) * x.numel() / (2 * probes);
    auto entry = x.detach();  // walks down to the i-th entry in logical order, whatever the strides
    for (auto rest = i; entry.dim() > 0; entry = entry[rest / (entry.numel() / entry.size(0))]) {
      rest %= entry.numel();
    }
    const double value = entry.item<double>();
    entry.fill_(value + step);
    const double above = loss().item<double>();
    entry.fill_(value - step);
    const double below = loss().item<double>();
    entry.fill_(value);
    worst = std::max(worst, std::abs(gradient[static_cast<std::size_t>(i)] - (above - below) / (2 * step)));
  }
  return worst;
}

}  // namespace penumbra::testing
