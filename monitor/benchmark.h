#pragma once

namespace penumbra::monitor {

struct ReporterTiming {
  double median = 0, p99 = 0, longest = 0;  ///< seconds that a push takes of the training thread
  double cpu_seconds = 0;                   ///< of the reporting thread, a push
};

/// Pushes `reports` of the size of a run's, `every_seconds` apart, to a monitor in this process.
ReporterTiming time_reports(int reports, double every_seconds);

}  // namespace penumbra::monitor
