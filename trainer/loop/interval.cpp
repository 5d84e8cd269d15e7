#include "trainer/loop/interval.h"

#include <cmath>
#include <stdexcept>
#include <utility>

#include <ATen/ATen.h>

#include "comm/world.h"

namespace penumbra::trainer {
namespace {

constexpr std::int64_t kColumns = 10;  ///< of the row that add() makes of a step

}  // namespace

Interval::Interval(comm::Collective& collective, at::Device device)
    : collective_(collective), sums_(at::zeros({kColumns}, at::TensorOptions().device(device))) {}

void Interval::add(const StepResult& result, double wait_seconds, double exposed_seconds) {
  // The norm is the same on every rank: its shares, summed, are itself again.
  const auto shares = static_cast<double>(collective_.world_size()) * static_cast<double>(result.parts.size());
  const at::Tensor norm_share = result.gradient_norm / shares;
  for (const Objective& o : result.parts) {
    const at::Tensor row = at::stack({o.total.detach(), o.ce_original, o.ce_ambiguous, o.attention, o.alignment,
                                      o.correct_original, o.correct_ambiguous, o.moved, o.empty_attention, norm_share});
    sums_.add_(row);
  }
  wait_seconds_ += wait_seconds;
  exposed_seconds_ += exposed_seconds;
  ++steps_;
}

IntervalReport Interval::take(std::int64_t global_batch) {
  collective_.all_reduce_sum(sums_).wait();
  const at::Tensor mean = (sums_ / static_cast<double>(steps_)).to(at::kCPU, at::kDouble);
  const double* v = mean.const_data_ptr<double>();
  if (!std::isfinite(v[0])) {
    if (collective_.rank() != 0) throw comm::PeerFailure(1);  // every rank sees it; one says it
    throw std::runtime_error(
        "the loss is not finite: lower schedule.learning_rate, set optimizer.clip_norm, or use fp32");
  }
  const auto now = std::chrono::steady_clock::now();
  IntervalReport report;
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
  sums_.zero_();
  steps_ = 0;
  return report;
}

}  // namespace penumbra::trainer
