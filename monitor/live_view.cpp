#include "monitor/live_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace penumbra::monitor {
namespace {

constexpr int kBar = 30;
constexpr std::size_t kSpark = 24, kLatest = 6;

std::optional<double> find(const std::vector<Value>& values, Metric metric, const std::string& label = "") {
  const auto found = std::find_if(values.begin(), values.end(), [&](const Value& value) {
    return value.metric == metric && (label.empty() || value.labels.front() == label);
  });
  return found == values.end() ? std::nullopt : std::optional(found->number);
}

std::string spark_of(const RunView& run, Metric metric, const std::string& label) {
  for (const History& history : run.history) {
    if (history.metric != metric || history.labels.front() != label) continue;
    const auto last = std::min(kSpark, history.numbers.size());
    return sparkline({history.numbers.end() - static_cast<std::ptrdiff_t>(last), history.numbers.end()});
  }
  return "";
}

std::string head(const RunView& run) {
  const auto detail = [&](const char* name) {
    const auto found = run.details.find(name);
    return found == run.details.end() ? std::string("?") : found->second;
  };
  return fmt::format("{}  {}  {} rank{} on {}  {}{}\n", run.name, name_of(run.outcome), run.ranks,
                     run.ranks == 1 ? "" : "s", detail("device"), detail("method"),
                     run.incarnation > 0 ? fmt::format("  restarts {}", run.incarnation) : "");
}

std::string progress(const RunView& run) {
  const double share = std::clamp(find(run.values, Metric::progress).value_or(0), 0.0, 1.0);
  const auto done = static_cast<int>(std::lround(share * kBar));
  std::string line =
      fmt::format("  [{:=<{}}{: <{}}] {:5.1f} %  epoch {:.2f}  step {:.0f}", "", done, "", kBar - done, 100 * share,
                  find(run.values, Metric::epoch).value_or(0), find(run.values, Metric::step).value_or(0));
  if (const auto rate = find(run.values, Metric::images_per_second)) line += fmt::format("  {:.0f} img/s", *rate);
  if (const auto eta = find(run.values, Metric::eta)) line += fmt::format("  eta {}", duration(*eta));
  return line + "\n";
}

std::string losses(const RunView& run) {
  const auto total = find(run.values, Metric::loss, "total");
  if (!total) return "";
  std::string line = fmt::format("  loss         {:.4f} {}", *total, spark_of(run, Metric::loss, "total"));
  for (const char* term : {"ce_original", "ce_ambiguous", "attention", "alignment"}) {
    if (const auto value = find(run.values, Metric::loss, term)) line += fmt::format("  {} {:.3f}", term, *value);
  }
  return line + "\n";
}

std::string accuracies(const RunView& run) {
  const auto original = find(run.values, Metric::accuracy, "original");
  if (!original) return "";
  std::string line = fmt::format("  accuracy     original {:.1f} %", 100 * *original);
  if (const auto other = find(run.values, Metric::accuracy, "ambiguous"))
    line += fmt::format("  ambiguous {:.1f} %", 100 * *other);
  if (const auto agreement = find(run.values, Metric::agreement))
    line += fmt::format("  agreement {:.1f} %", 100 * *agreement);
  if (const auto validation = find(run.values, Metric::evaluation, "accuracy"))
    line += fmt::format("  validation {:.1f} %", 100 * *validation);
  return line + "\n";
}

std::string uncertainties(const RunView& run) {
  std::string line;
  for (const char* space : {"original", "ambiguous"}) {
    if (const auto mean = find(run.values, Metric::uncertainty_mean, space))
      line += fmt::format("  {} {:.3f} {}", space, *mean, spark_of(run, Metric::uncertainty_mean, space));
  }
  return line.empty() ? "" : "  uncertainty" + line + "\n";
}

std::string ranks(const RunView& run) {
  std::vector<std::pair<double, std::string>> late;
  for (const Value& value : run.values) {
    if (value.metric == Metric::lateness && std::isfinite(value.number))
      late.emplace_back(value.number, value.labels.front());
  }
  std::sort(late.rbegin(), late.rend());
  std::string line;
  for (std::size_t i = 0; i < std::min(kLatest, late.size()); ++i)
    line += fmt::format("  {} {:.1f} ms", late[i].second, 1e3 * late[i].first);
  std::string out = line.empty() ? "" : "  late ranks " + line + "\n";
  for (const RankView& member : run.members) {
    if (!member.up && !member.left)
      out += fmt::format("  SILENT       rank {} on {} for {}\n", member.rank, member.host,
                         duration(member.silent_seconds));
  }
  return out;
}

std::string checkpoints(const RunView& run, double now) {
  const auto count = find(run.values, Metric::checkpoints), failed = find(run.values, Metric::failed_checkpoints);
  if (!count) return "";
  std::string line = fmt::format("  checkpoints  {:.0f}", *count);
  const auto time = find(run.values, Metric::checkpoint_time), bytes = find(run.values, Metric::checkpoint_bytes);
  if (*count > 0 && time && bytes)
    line += fmt::format("  the last {} ago, {:.1f} MiB", duration(std::max(0.0, now - *time)), *bytes / (1 << 20));
  if (failed && *failed > 0) line += fmt::format("  FAILED {:.0f}", *failed);
  return line + "\n";
}

nlohmann::json to_object(const Value& value) {
  const Description& d = describe(value.metric);
  nlohmann::json out = {{"metric", d.name}, {"value", value.number}};
  for (std::size_t i = 0; i < d.labels.size(); ++i) out["labels"][std::string(d.labels[i])] = value.labels.at(i);
  if (!value.counts.empty()) out["counts"] = value.counts;
  return out;
}

nlohmann::json to_array(const std::vector<Value>& values) {
  nlohmann::json all = nlohmann::json::array();
  for (const Value& value : values) all.push_back(to_object(value));
  return all;
}

}  // namespace

std::string duration(double seconds) {
  if (!(seconds >= 0 && seconds < 1e9)) return "?";
  const auto whole = static_cast<long>(seconds);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string sparkline(const std::vector<double>& numbers) {
  static constexpr std::array<const char*, 8> kHeights = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (numbers.size() < 2) return "";
  std::vector<double> finite;
  std::copy_if(numbers.begin(), numbers.end(), std::back_inserter(finite), [](double x) { return std::isfinite(x); });
  std::string out;
  for (const double number : numbers) {
    if (!std::isfinite(number)) {
      out += '?';
      continue;
    }
    const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
    const double share = *high > *low ? std::clamp((number - *low) / (*high - *low), 0.0, 1.0) : 0;
    out += kHeights[static_cast<std::size_t>(std::lround(share * 7))];
  }
  return out;
}

std::string live_view(const std::vector<RunView>& runs, double now) {
  std::string out;
  for (const RunView& run : runs) {
    out += head(run) + progress(run) + losses(run) + accuracies(run) + uncertainties(run) + ranks(run) +
           checkpoints(run, now) + "\n";
  }
  return out.empty() ? "no runs\n" : out;
}

std::string to_json(const std::vector<RunView>& runs) {
  nlohmann::json all = nlohmann::json::array();
  for (const RunView& run : runs) {
    nlohmann::json members = nlohmann::json::array();
    for (const RankView& member : run.members) {
      members.push_back({{"rank", member.rank},
                         {"host", member.host},
                         {"up", member.up || member.left},
                         {"silent_seconds", member.silent_seconds},
                         {"values", to_array(member.values)}});
    }
    all.push_back({{"run", run.name},
                   {"outcome", name_of(run.outcome)},
                   {"ranks", run.ranks},
                   {"restarts", run.incarnation},
                   {"details", run.details},
                   {"values", to_array(run.values)},
                   {"members", members}});
  }
  return all.dump(1) + "\n";
}

}  // namespace penumbra::monitor
