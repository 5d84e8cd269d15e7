#include "trainer/loop/interval.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/ATen.h>

namespace penumbra::trainer {
namespace {

constexpr std::int64_t kColumns = 11;  ///< of the row that add() makes of a step, the last is 1

}  // namespace

Interval::Interval(comm::Collective& collective, at::Device device)
    : collective_(collective),
      sums_(at::zeros({kColumns}, at::TensorOptions().device(device))),
      non_finite_(at::zeros({}, sums_.options())) {}

void Interval::add(const StepResult& result, double wait_seconds, double exposed_seconds) {
  // The norm and the count are the same on every rank: their shares, summed, are themselves again.
  const auto shares = static_cast<double>(collective_.world_size()) * static_cast<double>(result.parts.size());
  const at::Tensor norm_share = result.gradient_norm / shares, count_share = at::full_like(norm_share, 1 / shares);
  const at::Tensor finite = result.gradient_norm.isfinite();
  for (const Objective& o : result.parts) {
    const at::Tensor row =
        at::stack({o.total.detach(), o.ce_original, o.ce_ambiguous, o.attention, o.alignment, o.correct_original,
                   o.correct_ambiguous, o.moved, o.empty_attention, norm_share, count_share});
    sums_.add_(at::where(finite, row, 0));
  }
  non_finite_.add_(finite.logical_not());
  wait_seconds_ += wait_seconds;
  exposed_seconds_ += exposed_seconds;
  ++steps_;
}

IntervalReport Interval::take(std::int64_t global_batch) {
  collective_.all_reduce_sum(sums_).wait();
  const at::Tensor sums = sums_.to(at::kCPU);
  const auto finite = static_cast<std::int64_t>(std::llround(sums[kColumns - 1].item<double>()));
  const at::Tensor mean = (sums / static_cast<double>(std::max<std::int64_t>(1, finite))).to(at::kDouble);
  const double* v = mean.const_data_ptr<double>();
  const auto now = std::chrono::steady_clock::now();
  IntervalReport report;
  report.skipped = steps_ - finite;
  report.loss = v[0];
  report.ce_original = v[1];
  report.ce_ambiguous = v[2];
  report.attention = v[3];
  report.alignment = v[4];
  report.accuracy_original = v[5];
  report.accuracy_ambiguous = v[6];
  report.moved = v[7];
  report.empty_attention = v[8];
  report.gradient_norm = v[9];
  const auto steps = static_cast<double>(steps_);
  report.step_seconds = std::chrono::duration<double>(now - std::exchange(start_, now)).count() / steps;
  report.wait_seconds = std::exchange(wait_seconds_, 0) / steps;
  report.exposed_seconds = std::exchange(exposed_seconds_, 0) / steps;
  report.images_per_second = static_cast<double>(global_batch) / report.step_seconds;
  restart();
  return report;
}

void Interval::restart() {
  sums_.zero_();
  non_finite_.zero_();
  steps_ = 0;
}

bool Interval::has_non_finite() const { return non_finite_.item<float>() > 0; }

}  // namespace penumbra::trainer
