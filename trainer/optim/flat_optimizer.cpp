#include "trainer/optim/flat_optimizer.h"

#include <span>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>

namespace penumbra::trainer {
namespace {

struct Interval {
  std::int64_t offset, size;
};

/// The intervals whose decay is `decay`, neighbours joined: as few kernel calls as the layout allows.
std::vector<Interval> runs(std::span<const comm::Segment> segments, bool decay) {
  std::vector<Interval> out;
  for (const comm::Segment& segment : segments) {
    if (segment.decay != decay) continue;
    if (!out.empty() && out.back().offset + out.back().size == segment.offset) {
      out.back().size += segment.size;
    } else {
      out.push_back({segment.offset, segment.size});
    }
  }
  return out;
}

std::vector<at::Tensor> slices(const at::Tensor& flat, const std::vector<Interval>& intervals) {
  std::vector<at::Tensor> out;
  if (!flat.defined()) return out;
  for (const Interval& interval : intervals) out.push_back(flat.narrow(0, interval.offset, interval.size));
  return out;
}

/// In two levels, because one fp32 sum over 2e7 elements is off by 1e-3 on the CPU.
at::Tensor two_norm(const at::Tensor& flat) {
  constexpr std::int64_t kBlock = 4096;
  const std::int64_t whole = flat.numel() / kBlock * kBlock;
  const at::Tensor blocks = at::linalg_vector_norm(flat.narrow(0, 0, whole).view({-1, kBlock}), 2, at::IntArrayRef{1});
  const at::Tensor rest = at::linalg_vector_norm(flat.narrow(0, whole, flat.numel() - whole));
  return at::linalg_vector_norm(at::cat({blocks, rest.unsqueeze(0)}));
}

}  // namespace

FlatOptimizer::FlatOptimizer(comm::FlatParameters& parameters, OptimizerOptions options)
    : parameters_(parameters), options_(options) {
  if (options_.kind == OptimizerKind::adamw || options_.momentum != 0) first_ = parameters.zeros_like();
  if (options_.kind == OptimizerKind::adamw) second_ = parameters.zeros_like();
  for (const bool decay : {true, false}) {
    const std::vector<Interval> intervals = runs(parameters.segments(), decay);
    if (intervals.empty()) continue;
    groups_.push_back({slices(parameters.values(), intervals), slices(parameters.gradients(), intervals),
                       slices(first_, intervals), slices(second_, intervals), decay ? options_.weight_decay : 0});
  }
}

at::Tensor FlatOptimizer::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  const at::Tensor norm = two_norm(parameters_.gradients());
  if (options_.clip_norm > 0) {
    parameters_.gradients().mul_((options_.clip_norm / (norm + 1e-6)).clamp_max(1));
  }
  for (Group& group : groups_) update(group, learning_rate);
  ++steps_;
  return norm;
}

void FlatOptimizer::update(Group& group, double learning_rate) {
  if (options_.kind == OptimizerKind::sgd) {
    const bool nesterov = options_.nesterov && options_.momentum != 0;
    at::_fused_sgd_(group.values, group.gradients, group.first, group.weight_decay, options_.momentum, learning_rate,
                    /*dampening=*/0, nesterov, /*maximize=*/false, /*is_first_step=*/steps_ == 0);
    return;
  }
  const at::Tensor count = at::full({}, static_cast<double>(steps_ + 1), parameters_.values().options());
  const std::vector<at::Tensor> counts(group.values.size(), count);
  at::_fused_adamw_(group.values, group.gradients, group.first, group.second, {}, counts, learning_rate, options_.beta1,
                    options_.beta2, group.weight_decay, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
}

std::vector<comm::NamedTensor> FlatOptimizer::state() const {
  if (options_.kind == OptimizerKind::adamw) return {{"first", first_}, {"second", second_}};
  if (first_.defined()) return {{"momentum", first_}};
  return {};
}

}  // namespace penumbra::trainer
