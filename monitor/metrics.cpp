#include "monitor/metrics.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "monitor/own_metrics.h"

namespace penumbra::monitor {
namespace {

constexpr auto kGauge = MetricType::gauge;
constexpr auto kCounter = MetricType::counter;

const std::vector<Description>& table() {
  static const std::vector<Description> all = {
      {Metric::run_info,
       "penumbra_run_info",
       kGauge,
       Scope::run,
       {"version", "torch", "method", "device", "ranks", "hosts"},
       "1; what the run is"},
      {Metric::epoch, "penumbra_epoch", kGauge, Scope::run, {}, "epochs done, with a fraction"},
      {Metric::step, "penumbra_step", kGauge, Scope::run, {}, "steps taken since the run began, as last logged"},
      {Metric::steps, "penumbra_steps_total", kCounter, Scope::run, {}, "steps taken since this start"},
      {Metric::progress, "penumbra_progress_ratio", kGauge, Scope::run, {}, "share of all steps that is done"},
      {Metric::eta, "penumbra_eta_seconds", kGauge, Scope::run, {}, "time to go at the present pace"},
      {Metric::images,
       "penumbra_images_total",
       kCounter,
       Scope::run,
       {},
       "faces trained on since this start, over all ranks; their two views count as one"},
      {Metric::images_per_second,
       "penumbra_images_per_second",
       kGauge,
       Scope::run,
       {},
       "the same a second, in the last log interval"},
      {Metric::loss,
       "penumbra_loss",
       kGauge,
       Scope::run,
       {"term"},
       "mean of the last log interval: total, ce_original, ce_ambiguous, attention, alignment (unweighted)"},
      {Metric::accuracy,
       "penumbra_accuracy_ratio",
       kGauge,
       Scope::run,
       {"space"},
       "share of training faces whose label is predicted, in each space; the ambiguous one counts its source's label"},
      {Metric::agreement,
       "penumbra_posterior_agreement_ratio",
       kGauge,
       Scope::run,
       {},
       "share of faces for which both nets name the same class"},
      {Metric::uncertainty,
       "penumbra_uncertainty",
       MetricType::histogram,
       Scope::run,
       {"space"},
       "entropy of a face's posterior over ln C, since this start"},
      {Metric::uncertainty_mean,
       "penumbra_uncertainty_mean",
       kGauge,
       Scope::run,
       {"space"},
       "mean of it in the last log interval"},
      {Metric::class_uncertainty,
       "penumbra_class_uncertainty_mean",
       kGauge,
       Scope::run,
       {"space", "class"},
       "the same by the faces' labels"},
      {Metric::bank_uncertainty_mean,
       "penumbra_bank_uncertainty_mean",
       kGauge,
       Scope::run,
       {},
       "mean u of the bank, after the last epoch"},
      {Metric::label_disagreement_mean,
       "penumbra_label_disagreement_mean",
       kGauge,
       Scope::run,
       {},
       "mean n of the bank: how far given labels and the net's posteriors are apart, 0 to 1"},
      {Metric::mix_correlation,
       "penumbra_divergence_mix_correlation",
       kGauge,
       Scope::run,
       {},
       "correlation over the last log interval's faces of D, how far the spaces' posteriors are apart, and lambda, "
       "the share of the face in its mixture"},
      {Metric::attention_norm,
       "penumbra_attention_norm",
       kGauge,
       Scope::run,
       {"space"},
       "mean over faces of the 2-norm of their class's attention map, over the root of its cells"},
      {Metric::attention_spatial_std,
       "penumbra_attention_spatial_std",
       kGauge,
       Scope::run,
       {"space"},
       "mean over faces of its standard deviation over cells: 0 for a flat map"},
      {Metric::empty_attention,
       "penumbra_attention_empty_ratio",
       kGauge,
       Scope::run,
       {},
       "share of faces without a cell that both maps cover"},
      {Metric::soft_label_moved,
       "penumbra_soft_label_moved_ratio",
       kGauge,
       Scope::run,
       {},
       "mean mass that soft labels take away from the given label"},
      {Metric::learning_rate, "penumbra_learning_rate", kGauge, Scope::run, {}, "of the last step"},
      {Metric::gradient_norm,
       "penumbra_gradient_norm",
       kGauge,
       Scope::run,
       {"net"},
       "mean 2-norm of the gradient before clipping: of both nets (all), of each"},
      {Metric::non_finite_steps,
       "penumbra_non_finite_steps_total",
       kCounter,
       Scope::run,
       {},
       "steps whose gradient was not finite, since this start"},
      {Metric::evaluation,
       "penumbra_evaluation",
       kGauge,
       Scope::run,
       {"measure"},
       "of the last validation: accuracy, mean_class_accuracy, nll, ece, temperature, ..."},
      {Metric::checkpoint_time,
       "penumbra_checkpoint_timestamp_seconds",
       kGauge,
       Scope::run,
       {},
       "when the last whole checkpoint got its name, or the start where there is none"},
      {Metric::checkpoint_bytes, "penumbra_checkpoint_bytes", kGauge, Scope::run, {}, "of the last one, all shards"},
      {Metric::checkpoint_write_seconds,
       "penumbra_checkpoint_write_seconds",
       kGauge,
       Scope::run,
       {},
       "from the first copy to its name, for the last one"},
      {Metric::checkpoint_stall_seconds,
       "penumbra_checkpoint_stall_seconds",
       kGauge,
       Scope::run,
       {},
       "for which training stood still for it"},
      {Metric::checkpoints, "penumbra_checkpoints_total", kCounter, Scope::run, {}, "whole ones, since this start"},
      {Metric::failed_checkpoints,
       "penumbra_failed_checkpoints_total",
       kCounter,
       Scope::run,
       {},
       "abandoned ones, since this start"},
      {Metric::restarts, "penumbra_restarts_total", kCounter, Scope::run, {}, "how often the run was started again"},
      {Metric::step_seconds, "penumbra_step_seconds", kGauge, Scope::run, {}, "mean of the last log interval"},
      {Metric::phase_seconds,
       "penumbra_step_phase_seconds",
       kGauge,
       Scope::rank,
       {"phase"},
       "of a mean step: data (waiting for it), forward, backward, communication (exposed), optimizer; on a GPU until "
       "the work is handed over, and where steps are recorded all but the averages as forward"},
      {Metric::lateness,
       "penumbra_rank_lateness_seconds",
       kGauge,
       Scope::run,
       {"member"},
       "mean time by which rank `member` came to a collective after the first one"},
      {Metric::resident_memory, "penumbra_resident_memory_bytes", kGauge, Scope::rank, {}, "of the rank's process"},
      {Metric::reporter_cpu,
       "penumbra_reporter_cpu_seconds_total",
       kCounter,
       Scope::rank,
       {},
       "processor time of the rank's reporting threads"},
      {Metric::gpu_utilization, "penumbra_gpu_utilization_ratio", kGauge, Scope::rank, {"gpu"}, "of the rank's GPU"},
      {Metric::gpu_memory, "penumbra_gpu_memory_used_bytes", kGauge, Scope::rank, {"gpu"}, "of all processes on it"},
      {Metric::gpu_power, "penumbra_gpu_power_watts", kGauge, Scope::rank, {"gpu"}, "drawn now"},
      {Metric::gpu_temperature, "penumbra_gpu_temperature_celsius", kGauge, Scope::rank, {"gpu"}, "of its core"},
  };
  return all;
}

std::string type_name(MetricType type) {
  if (type == MetricType::histogram) return "histogram";
  return type == MetricType::counter ? "counter" : "gauge";
}

std::string row(std::string_view name, MetricType type, const std::vector<std::string_view>& labels,
                std::string_view meaning) {
  std::string text;
  for (const std::string_view label : labels) text += fmt::format("{}`{}`", text.empty() ? "" : ", ", label);
  return fmt::format("| `{}` | {} | {} | {} |\n", name, type_name(type), text, meaning);
}

constexpr const char* kHead = "| metric | type | labels | meaning |\n|---|---|---|---|\n";

}  // namespace

std::span<const Description> descriptions() { return table(); }

const Description& describe(Metric metric) { return table()[static_cast<std::size_t>(metric)]; }

const Description* find_metric(std::string_view name) {
  const auto found = std::find_if(table().begin(), table().end(), [&](const auto& d) { return d.name == name; });
  return found == table().end() ? nullptr : &*found;
}

std::span<const double> bucket_bounds() {
  static const std::array<double, 10> bounds = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
  return bounds;
}

std::string metric_reference() {
  std::string out = std::string("## Of runs\n\n") + kHead;
  for (const Description& d : descriptions()) {
    std::vector<std::string_view> labels = {"run"};
    if (d.scope == Scope::rank) labels.push_back("rank");
    labels.insert(labels.end(), d.labels.begin(), d.labels.end());
    out += row(d.name, d.type, labels, d.meaning);
  }
  out += std::string("\n## Of the monitor\n\n") + kHead;
  for (const OwnDescription& d : own_descriptions()) out += row(d.name, d.type, d.labels, d.meaning);
  return out;
}

}  // namespace penumbra::monitor
