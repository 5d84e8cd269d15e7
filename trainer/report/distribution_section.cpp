#include <fmt/format.h>

#include "trainer/report/section_parts.h"
#include "trainer/report/sections.h"
#include "trainer/report/share_bars.h"

namespace penumbra::trainer {
namespace {

/// The mean of the rows that `takes` picks by their number; empty where it picks none.
template <typename Takes>
std::vector<double> mean_shares(std::span<const float> rows, std::size_t classes, const Takes& takes) {
  std::vector<double> mean(classes, 0);
  double count = 0;
  for (std::size_t i = 0; i < rows.size() / classes; ++i) {
    if (!takes(i)) continue;
    ++count;
    for (std::size_t c = 0; c < classes; ++c) mean[c] += rows[i * classes + c];
  }
  if (count == 0) return {};
  for (double& share : mean) share /= count;
  return mean;
}

Element run_charts(const Report& report, const ReportedRun& run) {
  Element grid("div", {{"class", "small-charts"}});
  const auto add = [&](const std::string& title, const auto& takes) {
    const std::vector<double> predicted = mean_shares(run.posterior, report.classes.size(), takes);
    if (predicted.empty()) return;
    const std::vector<double> human = mean_shares(report.human, report.classes.size(), takes);
    grid.add(figure(share_bars(report.classes, human, predicted), title));
  };
  add("all faces", [](std::size_t) { return true; });
  for (std::size_t c = 0; c < report.classes.size(); ++c)
    add("label " + report.classes[c], [&](std::size_t i) { return report.labels[i] == c; });
  return grid;
}

}  // namespace

Element distribution_section(const Report& report) {
  Element out = section("distributions", report.human.empty() ? "What is predicted" : "Annotators and predictions");
  out.add(
      {"p",
       {{"class", "reading"}},
       report.human.empty()
           ? "Mean predicted share of each class, after the temperature, over all faces and over those of each label; "
             "a bar across the picture is 1. These faces have no votes."
           : "Mean share of each class in the annotators' votes (without unknown and NF) and in what is predicted "
             "after "
             "the temperature, over all faces and over those of each label; a bar across the picture is 1. Where both "
             "bars are alike, the net spreads its belief as people do."});
  out.add(share_legend(report));
  for (const ReportedRun& run : report.runs) out.add({"h3", {}, run.name}).add(run_charts(report, run));
  return out;
}

}  // namespace penumbra::trainer
