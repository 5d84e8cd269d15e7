#include "monitor/own_metrics.h"

namespace penumbra::monitor {

std::span<const OwnDescription> own_descriptions() {
  static const std::vector<OwnDescription> all = {
      {OwnMetric::rank_up,
       "penumbra_rank_up",
       MetricType::gauge,
       {"run", "rank", "host"},
       "1 while the rank reports, 0 when it has fallen silent without saying goodbye"},
      {OwnMetric::rank_seen,
       "penumbra_rank_seen_timestamp_seconds",
       MetricType::gauge,
       {"run", "rank"},
       "when it was last heard of"},
      {OwnMetric::rank_dropped,
       "penumbra_reports_dropped_total",
       MetricType::counter,
       {"run", "rank"},
       "reports that the rank dropped because the monitor was slow or gone"},
      {OwnMetric::outcome,
       "penumbra_run_outcome",
       MetricType::gauge,
       {"run", "outcome"},
       "1 for what the run is: running, finished, stopped or failed"},
      {OwnMetric::runs, "penumbra_monitor_runs", MetricType::gauge, {}, "runs that the monitor knows of"},
      {OwnMetric::updates, "penumbra_monitor_reports_total", MetricType::counter, {}, "reports received"},
      {OwnMetric::rejected,
       "penumbra_monitor_rejected_total",
       MetricType::counter,
       {"reason"},
       "what was refused: metric (unknown or malformed), series (too many), token, run (bad or too many)"},
  };
  return all;
}

}  // namespace penumbra::monitor
