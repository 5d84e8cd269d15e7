#include "monitor/benchmark.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "monitor/reporter.h"
#include "monitor/server.h"

namespace penumbra::monitor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kClasses = 8;

/// As many values as rank 0 sends of a log interval with both nets.
std::vector<Value> report_of(int number) {
  std::vector<Value> values;
  for (const Description& d : descriptions()) {
    if (d.metric == Metric::class_uncertainty) continue;
    Value value{d.metric, {}, static_cast<double>(number)};
    for (const std::string_view label : d.labels) value.labels.emplace_back(label);
    if (d.type == MetricType::histogram) value.counts.assign(bucket_bounds().size() + 1, 1);
    values.push_back(std::move(value));
  }
  for (int c = 0; c < kClasses; ++c) {
    for (const char* space : {"original", "ambiguous"})
      values.push_back({Metric::class_uncertainty, {space, "class " + std::to_string(c)}, 0.5});
  }
  return values;
}

}  // namespace

ReporterTiming time_reports(int reports, double every_seconds) {
  ServerOptions options;
  options.most_reports_per_second = 1e6;
  const Server server(options);
  ReporterOptions to_server;
  to_server.address = server.address();
  Reporter reporter({"bench", 0, 1, "localhost", 0, {}}, to_server, [](Order) {});
  std::vector<double> seconds;
  for (int number = 0; number < reports; ++number) {
    std::vector<Value> values = report_of(number);
    const auto begin = Clock::now();
    reporter.push(std::move(values));
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    std::this_thread::sleep_for(std::chrono::duration<double>(every_seconds));
  }
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double share) { return seconds[static_cast<std::size_t>(share * (seconds.size() - 1.0))]; };
  return {at(0.5), at(0.99), seconds.back(), reporter.cpu_seconds() / reports};
}

}  // namespace penumbra::monitor
