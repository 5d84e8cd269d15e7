#include "trainer/optim/flat_optimizer.h"

#include <algorithm>
#include <span>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/zeros.h>

namespace penumbra::trainer {
namespace {

using comm::Interval;

std::int64_t end_of(const Interval& interval) { return interval.offset + interval.size; }

/// The intervals whose decay is `decay`, neighbours joined: as few kernel calls as the layout allows.
std::vector<Interval> runs(std::span<const comm::Segment> segments, bool decay) {
  std::vector<Interval> out;
  for (const comm::Segment& segment : segments) {
    if (segment.decay != decay) continue;
    if (!out.empty() && end_of(out.back()) == segment.offset) {
      out.back().size += segment.size;
    } else {
      out.push_back({segment.offset, segment.size});
    }
  }
  return out;
}

/// What a rank updates at once: a run of the flat buffers, and where its moments begin.
struct Piece {
  Interval run;
  std::int64_t moment = 0;
};

std::vector<Piece> pieces(const std::vector<Interval>& runs, const std::vector<Interval>& owned) {
  std::vector<Piece> out;
  for (const Interval& run : runs) {
    std::int64_t moments = 0;  // of the owned intervals before this one
    for (const Interval& own : owned) {
      const std::int64_t begin = std::max(run.offset, own.offset), end = std::min(end_of(run), end_of(own));
      if (begin < end) out.push_back({{begin, end - begin}, moments + begin - own.offset});
      moments += own.size;
    }
  }
  return out;
}

std::vector<at::Tensor> slices(const at::Tensor& flat, const std::vector<Piece>& pieces) {
  std::vector<at::Tensor> out;
  for (const Piece& piece : pieces) out.push_back(flat.narrow(0, piece.run.offset, piece.run.size));
  return out;
}

std::vector<at::Tensor> moments(const at::Tensor& all, const std::vector<Piece>& pieces) {
  std::vector<at::Tensor> out;
  if (!all.defined()) return out;
  for (const Piece& piece : pieces) out.push_back(all.narrow(0, piece.moment, piece.run.size));
  return out;
}

}  // namespace

FlatOptimizer::FlatOptimizer(comm::FlatParameters& parameters, OptimizerOptions options,
                             const std::vector<Interval>& owned)
    : parameters_(parameters), options_(options) {
  std::int64_t size = 0;
  for (const Interval& own : owned) size += own.size;
  const auto zeros = [&] { return at::zeros({size}, parameters.values().options()); };
  if (options_.kind == OptimizerKind::adamw || options_.momentum != 0) first_ = zeros();
  if (options_.kind == OptimizerKind::adamw) second_ = zeros();
  for (const bool decay : {true, false}) {
    const std::vector<Piece> mine = pieces(runs(parameters.segments(), decay), owned);
    if (mine.empty()) continue;
    groups_.push_back({slices(parameters.values(), mine), slices(parameters.gradients(), mine), moments(first_, mine),
                       moments(second_, mine), decay ? options_.weight_decay : 0});
  }
}

void FlatOptimizer::step(const at::Tensor& learning_rate, const at::Tensor& count, const at::Tensor& gradient_norm,
                         bool skip_non_finite) {
  const at::NoGradGuard no_grad;
  if (options_.clip_norm > 0) {
    parameters_.gradients().mul_((options_.clip_norm / (gradient_norm + 1e-6)).clamp_max(1));
  }
  std::optional<at::Tensor> skip;  // 1: the kernels leave everything as it is
  if (skip_non_finite) skip = gradient_norm.isfinite().logical_not().to(at::kFloat);
  for (Group& group : groups_) update(group, learning_rate, count, skip);
}

void FlatOptimizer::update(Group& group, const at::Tensor& learning_rate, const at::Tensor& count,
                           const std::optional<at::Tensor>& skip) {
  if (options_.kind == OptimizerKind::sgd) {
    const bool nesterov = options_.nesterov && options_.momentum != 0;
    at::_fused_sgd_(group.values, group.gradients, group.first, group.weight_decay, options_.momentum, learning_rate,
                    /*dampening=*/0, nesterov, /*maximize=*/false, /*is_first_step=*/false, /*grad_scale=*/{}, skip);
    return;
  }
  const std::vector<at::Tensor> counts(group.values.size(), count);
  at::_fused_adamw_(group.values, group.gradients, group.first, group.second, {}, counts, learning_rate, options_.beta1,
                    options_.beta2, group.weight_decay, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false,
                    /*grad_scale=*/{}, skip);
}

std::vector<comm::NamedTensor> FlatOptimizer::state() const {
  if (options_.kind == OptimizerKind::adamw) return {{"first", first_}, {"second", second_}};
  if (first_.defined()) return {{"momentum", first_}};
  return {};
}

}  // namespace penumbra::trainer
