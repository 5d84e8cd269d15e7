#include "trainer/loop/interval.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <span>
#include <utility>

#include <ATen/ATen.h>

namespace penumbra::trainer {
namespace {

constexpr std::int64_t kColumns = 20;  ///< of the row that add() makes of a step, the last is 1

constexpr std::int64_t kMoments = 9;  ///< Observation::mix_moments

at::Tensor sums_over_faces(const Observation& seen) {
  const at::Tensor sums = at::cat({seen.histogram.flatten(), seen.class_uncertainty.flatten(), seen.class_count});
  return at::cat({sums.to(at::kDouble), seen.mix_moments.flatten()});
}

std::vector<double> numbers(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kDouble).contiguous();
  const double* data = host.const_data_ptr<double>();
  return {data, data + host.numel()};
}

/// Pearson's, of Observation::mix_moments by rows; NaN where either side does not vary.
double correlation(std::span<const double, kMoments> m) {
  const double covariance = m[0] * m[5] - m[1] * m[2];
  return covariance / std::sqrt((m[0] * m[4] - m[1] * m[1]) * (m[0] * m[8] - m[2] * m[2]));
}

}  // namespace

Interval::Interval(comm::Collective& collective, at::Device device)
    : collective_(collective),
      sums_(at::zeros({kColumns}, at::TensorOptions().device(device))),
      non_finite_(at::zeros({}, sums_.options())) {}

void Interval::add(const StepResult& result) {
  // Norms are the same on every rank: their shares, summed, are themselves again. One rank counts.
  const auto shares = static_cast<double>(collective_.world_size()) * static_cast<double>(result.parts.size());
  const at::Tensor norm = result.gradient_norm / shares;
  const at::Tensor norms = result.net_norms / shares;
  const at::Tensor original = norms[0], ambiguous = norms.numel() > 1 ? norms[1] : at::zeros_like(norm);
  const at::Tensor finite = result.gradient_norm.isfinite();
  for (std::size_t part = 0; part < result.parts.size(); ++part) {
    const Objective& o = result.parts[part];
    const at::Tensor count = at::full_like(norm, collective_.rank() == 0 && part == 0 ? 1 : 0);
    const Observation& seen = result.observations[part];
    const at::Tensor row = at::stack({o.total.detach(),
                                      o.ce_original,
                                      o.ce_ambiguous,
                                      o.attention,
                                      o.alignment,
                                      o.correct_original,
                                      o.correct_ambiguous,
                                      o.moved,
                                      o.empty_attention,
                                      norm,
                                      original,
                                      ambiguous,
                                      seen.agreement,
                                      seen.uncertainty[0],
                                      seen.uncertainty[1],
                                      seen.attention_norm[0],
                                      seen.attention_norm[1],
                                      seen.attention_spread[0],
                                      seen.attention_spread[1],
                                      count});
    sums_.add_(at::where(finite, row, 0));
    const at::Tensor faces = sums_over_faces(seen);
    if (!faces_.defined()) faces_ = at::zeros_like(faces);
    faces_.add_(at::where(finite, faces, 0));
  }
  non_finite_.add_(finite.logical_not());
}

void Interval::count(const StepSeconds& seconds, double wait_seconds) {
  wait_seconds_ += wait_seconds;
  seconds_.forward += seconds.forward;
  seconds_.backward += seconds.backward;
  seconds_.exposed += seconds.exposed;
  seconds_.optimizer += seconds.optimizer;
  ++steps_;
}

IntervalReport Interval::take(std::int64_t global_batch) {
  collective_.all_reduce_sum(sums_).wait();
  const at::Tensor sums = sums_.to(at::kCPU);
  const auto finite = static_cast<std::int64_t>(std::llround(sums[kColumns - 1].item<double>()));
  const std::vector<double> v = numbers(sums / static_cast<double>(finite));
  const auto now = std::chrono::steady_clock::now();
  IntervalReport report;
  report.taken = steps_;
  report.skipped = steps_ - finite;
  report.loss = v[0];
  report.original = {v[1], v[5], v[13], v[15], v[17], v[10], {}, {}};
  report.ambiguous = {v[2], v[6], v[14], v[16], v[18], v[11], {}, {}};
  report.attention = v[3];
  report.alignment = v[4];
  report.moved = v[7];
  report.empty_attention = v[8];
  report.gradient_norm = v[9];
  report.agreement = v[12];
  const auto steps = static_cast<double>(steps_);
  report.step_seconds = std::chrono::duration<double>(now - std::exchange(start_, now)).count() / steps;
  report.wait_seconds = wait_seconds_ / steps;
  report.forward_seconds = seconds_.forward / steps;
  report.backward_seconds = seconds_.backward / steps;
  report.exposed_seconds = seconds_.exposed / steps;
  report.optimizer_seconds = seconds_.optimizer / steps;
  report.images_per_second = static_cast<double>(global_batch) / report.step_seconds;
  take_faces(report);
  restart();
  return report;
}

void Interval::take_faces(IntervalReport& report) {
  collective_.all_reduce_sum(faces_).wait();
  const std::vector<double> v = numbers(faces_);
  constexpr std::int64_t kClassless = 2 * kUncertaintyBuckets + kMoments;
  const std::int64_t classes = (faces_.numel() - kClassless) / 3;  // their uncertainties twice, their counts
  auto histogram = v.begin(), sums = histogram + 2 * kUncertaintyBuckets;
  const auto counts = sums + 2 * classes;
  for (SpaceReport* space : {&report.original, &report.ambiguous}) {
    space->histogram.assign(histogram, histogram + kUncertaintyBuckets);
    std::transform(sums, sums + classes, counts, std::back_inserter(space->class_uncertainty), std::divides<>());
    histogram += kUncertaintyBuckets;
    sums += classes;
  }
  report.mix_correlation = correlation(std::span(v).last<kMoments>());
}

void Interval::restart() {
  sums_.zero_();
  non_finite_.zero_();
  if (faces_.defined()) faces_.zero_();
  wait_seconds_ = 0;
  seconds_ = {};
  steps_ = 0;
}

bool Interval::has_non_finite() const { return non_finite_.item<float>() > 0; }

}  // namespace penumbra::trainer
