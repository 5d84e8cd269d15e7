#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "trainer/report/measure_titles.h"
#include "trainer/report/section_parts.h"
#include "trainer/report/sections.h"

namespace penumbra::trainer {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kAfterwards = ", after the temperature";

/// A row of both tables: one measure of all runs, before or after the temperature.
struct MeasureRow {
  std::size_t place;  // in scalars()
  std::string_view key;
  bool calibrated;
  std::vector<double> values;  // of each run
};

bool exists(const MeasureRow& row) {
  return std::any_of(row.values.begin(), row.values.end(), [](double value) { return !std::isnan(value); });
}

std::vector<MeasureRow> rows_of(const std::vector<FaceColumns>& runs, bool calibrated) {
  std::vector<MeasureRow> rows;
  for (const FaceColumns& run : runs) {
    const std::vector<NamedValue> found = scalars(measure(run));
    for (std::size_t place = 0; place < found.size(); ++place) {
      if (&run == &runs.front()) rows.push_back({place, found[place].name, calibrated, {}});
      rows[place].values.push_back(found[place].value);
    }
  }
  // A ceiling is of the faces, not of the runs, and has a column.
  std::erase_if(rows, [&](const MeasureRow& row) {
    return !exists(row) || row.key == "ceiling_accuracy" || (calibrated && !is_of_probabilities(row.key));
  });
  return rows;
}

std::vector<MeasureRow> all_rows(const Report& report) {
  std::vector<MeasureRow> rows = rows_of(report.plain, false);
  const std::vector<MeasureRow> after = rows_of(report.calibrated, true);
  rows.insert(rows.end(), after.begin(), after.end());
  return rows;
}

/// What a net that says the true distribution of every face would reach; NaN where that is unknown.
double ceiling_of(const Report& report, std::string_view key) {
  if (key == "accuracy") return measure(report.plain.front()).ceiling_accuracy.value_or(kNone);
  if (key == "spearman_entropy") return report.spearman_ceiling.value_or(kNone);
  return kNone;
}

Element title_cell(const MeasureRow& row) {
  return row_head(measure_title(row.key) + (row.calibrated ? kAfterwards : ""))
      .add({"small", {}, std::string(row.key) + (row.calibrated ? "_calibrated" : "")});
}

Element runs_table(const Report& report, const std::vector<MeasureRow>& rows) {
  std::vector<std::string> head = {"measure", "perfect predictor"};
  for (const ReportedRun& run : report.runs) head.push_back(run.name);
  Element body("tbody");
  for (const MeasureRow& row : rows) {
    Element line("tr", {{"data-measure", std::string(row.key) + (row.calibrated ? "_calibrated" : "")}});
    line.add(title_cell(row)).add(number_cell(row.calibrated ? "–" : number(ceiling_of(report, row.key))));
    for (std::size_t run = 0; run < report.runs.size(); ++run) {
      const ReportedRun& of = report.runs[run];
      const auto& intervals = row.calibrated ? of.calibrated_intervals : of.intervals;
      line.add(measured_cell(row.values[run], intervals.scalars[row.place]));
    }
    body.add(std::move(line));
  }
  return Element("table", {{"class", "measures"}}).add(head_row(head)).add(std::move(body));
}

/// Mean over the runs of a method and, of several, their standard deviation.
Element mean_cell(const ReportedMethod& method, const MeasureRow& row) {
  const auto count = static_cast<double>(method.runs);
  double sum = 0, squares = 0;
  for (std::size_t i = method.first; i < method.first + method.runs; ++i) sum += row.values[i];
  const double mean = sum / count;
  for (std::size_t i = method.first; i < method.first + method.runs; ++i) squares += std::pow(row.values[i] - mean, 2);
  Element cell = number_cell(number(mean));
  if (method.runs > 1 && !std::isnan(mean))
    cell.add({"small", {}, fmt::format("± {:.4f}", std::sqrt(squares / (count - 1)))});
  return cell;
}

Element difference_cell(const ReportedMethod& method, const MeasureRow& row) {
  const Difference& found = (row.calibrated ? method.calibrated_differences : method.differences)[row.place];
  if (std::isnan(found.difference)) return number_cell("–");
  const char* style = found.p < 0.05 ? "number telling" : "number";
  return Element("td", {{"class", style}}, fmt::format("{:+.4f}, p {:.3f}", found.difference, found.p))
      .add({"small", {}, fmt::format("{:+.4f} to {:+.4f}", found.interval.low, found.interval.high)});
}

Element methods_table(const Report& report, const std::vector<MeasureRow>& rows) {
  const std::string& reference = report.methods.front().name;
  std::vector<std::string> head = {"measure"};
  for (const ReportedMethod& method : report.methods) {
    head.push_back(fmt::format("{} ({} {})", method.name, method.runs, method.runs == 1 ? "run" : "runs"));
    if (&method != &report.methods.front()) head.push_back(fmt::format("{} − {}", method.name, reference));
  }
  Element body("tbody");
  for (const MeasureRow& row : rows) {
    Element line("tr");
    line.add(title_cell(row));
    for (const ReportedMethod& method : report.methods) {
      line.add(mean_cell(method, row));
      if (&method != &report.methods.front()) line.add(difference_cell(method, row));
    }
    body.add(std::move(line));
  }
  return Element("table", {{"class", "measures"}}).add(head_row(head)).add(std::move(body));
}

}  // namespace

Element measures_section(const Report& report) {
  const std::vector<MeasureRow> rows = all_rows(report);
  Element out = section("measures", "Measures");
  out.add(wide_table(
      runs_table(report, rows),
      "↑ higher is better, ↓ lower is. Small below a value: its 95 % interval, how far it would move with other faces "
      "of "
      "this kind; not how far it would move with another seed. “Perfect predictor”: what a net that knew how likely "
      "each answer is for each face would reach on these labels and votes, where that is known. Divergences and "
      "likelihoods are in nats."));
  if (report.methods.size() == report.runs.size() && report.methods.size() == 1) return out;
  out.add({"h3", {}, "Methods"});
  return out.add(wide_table(
      methods_table(report, rows),
      "Means over the runs of a method, ± their standard deviation. Differences are paired: both methods see the same "
      "resampled faces, and their runs are resampled too. Small: the 95 % interval of the difference. p is two-sided, "
      "of “there is none”; bold where it is below 0.05. With few seeds the intervals are somewhat too narrow."));
}

}  // namespace penumbra::trainer
