#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penumbra::monitor {

enum class MetricType { gauge, counter, histogram };

/// Every metric of a run; descriptions() has their names, labels and meanings.
enum class Metric {
  run_info,
  epoch,
  step,
  steps,
  progress,
  eta,
  images,
  images_per_second,
  loss,
  accuracy,
  agreement,
  uncertainty,
  uncertainty_mean,
  class_uncertainty,
  bank_uncertainty_mean,
  label_disagreement_mean,
  mix_correlation,
  attention_norm,
  attention_spatial_std,
  empty_attention,
  soft_label_moved,
  learning_rate,
  gradient_norm,
  non_finite_steps,
  evaluation,
  checkpoint_time,
  checkpoint_bytes,
  checkpoint_write_seconds,
  checkpoint_stall_seconds,
  checkpoints,
  failed_checkpoints,
  restarts,
  step_seconds,
  phase_seconds,
  lateness,
  resident_memory,
  reporter_cpu,
  gpu_utilization,
  gpu_memory,
  gpu_power,
  gpu_temperature,
};

/// Where a metric's values come from: the run as a whole (rank 0 sends them), or each rank (a label `rank`).
enum class Scope { run, rank };

struct Description {
  Metric metric;
  std::string_view name;  ///< Prometheus's conventions: base units, `_total` for counters
  MetricType type;
  Scope scope;
  std::vector<std::string_view> labels;  ///< beside `run` and `rank`
  std::string_view meaning;
};

/// In the order of the enum.
std::span<const Description> descriptions();
const Description& describe(Metric metric);
/// Null for an unknown name.
const Description* find_metric(std::string_view name);

/// Upper bounds of the buckets of every histogram: shares from 0 to 1.
std::span<const double> bucket_bounds();

/// One value of one series.
struct Value {
  Metric metric = Metric::run_info;
  std::vector<std::string> labels;         ///< as many as the description has
  double number = 0;                       ///< of a histogram: the sum of what was observed
  std::vector<std::uint64_t> counts = {};  ///< of a histogram: by bucket, one more than there are bounds
};

/// What tells the series of a rank apart: metric and labels.
using SeriesKey = std::pair<Metric, std::vector<std::string>>;

/// The reference of docs/metrics.md, in Markdown: those of runs, and those of the monitor itself.
std::string metric_reference();

}  // namespace penumbra::monitor
