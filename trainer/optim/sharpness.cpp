#include "trainer/optim/sharpness.h"

#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

namespace penumbra::trainer {
namespace {

// Of the norm: a gradient of zero has no direction.
constexpr double kLeastNorm = 1e-12;

}  // namespace

SharpnessAscent::SharpnessAscent(comm::FlatParameters& parameters, std::vector<comm::Interval> owned,
                                 at::Tensor statistics, double radius)
    : parameters_(parameters),
      owned_(std::move(owned)),
      statistics_(std::move(statistics)),
      kept_statistics_(at::empty_like(statistics_)),
      radius_(radius) {
  std::int64_t size = 0;
  for (const comm::Interval& own : owned_) size += own.size;
  kept_ = at::empty({size}, parameters.values().options());
}

void SharpnessAscent::climb(const at::Tensor& gradient_norm) {
  const at::NoGradGuard no_grad;
  const at::Tensor scale = radius_ / (gradient_norm + kLeastNorm);
  std::int64_t offset = 0;
  for (const comm::Interval& own : owned_) {
    at::Tensor values = parameters_.values().narrow(0, own.offset, own.size);
    kept_.narrow(0, offset, own.size).copy_(values);
    values.addcmul_(parameters_.gradients().narrow(0, own.offset, own.size), scale);
    offset += own.size;
  }
  kept_statistics_.copy_(statistics_);
}

void SharpnessAscent::come_back() {
  const at::NoGradGuard no_grad;
  std::int64_t offset = 0;
  for (const comm::Interval& own : owned_) {
    parameters_.values().narrow(0, own.offset, own.size).copy_(kept_.narrow(0, offset, own.size));
    offset += own.size;
  }
  statistics_.copy_(kept_statistics_);
}

}  // namespace penumbra::trainer
