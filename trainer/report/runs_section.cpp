#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "trainer/report/section_parts.h"
#include "trainer/report/sections.h"

namespace penumbra::trainer {
namespace {

/// "1 h 02 min", "3 min 20 s" or "12.3 s".
std::string duration(const std::optional<double>& seconds) {
  constexpr int kMinute = 60, kHour = 3600;
  if (!seconds) return "–";
  const auto whole = static_cast<long>(std::lround(*seconds));
  if (whole >= kHour) return fmt::format("{} h {:02} min", whole / kHour, whole % kHour / kMinute);
  if (whole >= kMinute) return fmt::format("{} min {:02} s", whole / kMinute, whole % kMinute);
  return fmt::format("{:.1f} s", *seconds);
}

std::string or_dash(const std::string& text) { return text.empty() ? "–" : text; }

Element facts(const Report& report) {
  Element list("dl");
  const auto add = [&](const char* what, const std::string& is) { list.add({"dt", {}, what}).add({"dd", {}, is}); };
  add("data", fmt::format("{}", fmt::join(report.files, ", ")));
  add("source", or_dash(report.source));
  add("label rule", or_dash(report.label_rule));
  add("split",
      fmt::format("{}: {} faces of {} classes, {} × {} pixels, {}", report.split, report.labels.size(),
                  report.classes.size(), report.image_size, report.image_size, report.channels == 1 ? "grey" : "RGB"));
  add("intervals", fmt::format("95 %, from {} bootstrap resamples of the faces", report.resamples));
  add("made by", "penumbra " + report.version);
  return list;
}

Element runs_table(const Report& report) {
  Element body("tbody");
  for (const ReportedRun& run : report.runs) {
    Element row("tr");
    row.add(row_head(run.name));
    for (const std::string& text :
         {report.methods[run.method].name, run.trained_as, fmt::format("{}", run.seed), fmt::format("{}", run.epochs),
          duration(run.log.seconds()), or_dash(run.ranks), or_dash(run.host), run.weights, run.head,
          fmt::format("{:.3f}", run.temperature), or_dash(run.version), or_dash(run.torch), run.folder})
      row.add({"td", {}, text});
    body.add(std::move(row));
  }
  return Element("table")
      .add(head_row({"run", "method", "train.method", "seed", "epochs", "trained for", "ranks", "host", "weights",
                     "head", "temperature", "penumbra", "torch", "folder"}))
      .add(std::move(body));
}

/// Whether the runs have it in common; where they were trained into is in the other table.
bool is_shared(const Report& report, std::size_t key) {
  const auto& first = report.runs.front().config[key];
  return first.first == "run.dir" || std::all_of(report.runs.begin(), report.runs.end(), [&](const ReportedRun& run) {
           return run.config[key].second == first.second;
         });
}

Element differences_table(const Report& report) {
  Element body("tbody");
  for (std::size_t key = 0; key < report.runs.front().config.size(); ++key) {
    if (is_shared(report, key)) continue;
    Element row("tr");
    row.add(Element("th", {{"scope", "row"}}).add({"code", {}, report.runs.front().config[key].first}));
    for (const ReportedRun& run : report.runs) row.add(Element("td").add({"code", {}, run.config[key].second}));
    body.add(std::move(row));
  }
  std::vector<std::string> head = {"key"};
  for (const ReportedRun& run : report.runs) head.push_back(run.name);
  return Element("table").add(head_row(head)).add(std::move(body));
}

}  // namespace

Element runs_section(const Report& report) {
  Element out = section("runs", "Runs");
  out.add(facts(report));
  out.add(
      wide_table(runs_table(report),
                 "Runs that differ in run.seed and run.dir alone are of one method. “Trained for” adds up the steps "
                 "that were logged, without validation and checkpoints; with a temperature of 1 none was fitted."));
  if (report.runs.size() < 2) return out;
  out.add({"h3", {}, "Configuration keys that differ"});
  return out.add(wide_table(differences_table(report), "Every other key is the same in all of these runs."));
}

}  // namespace penumbra::trainer
