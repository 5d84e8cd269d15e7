#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "trainer/report/section_parts.h"
#include "trainer/report/sections.h"

namespace penumbra::trainer {
namespace {

constexpr std::size_t kMostPoints = 400;
constexpr const char *kBefore = "before the temperature", *kAfter = "after the temperature";

/// Accuracy over confidence, a dot for each bin that has faces, of an area that grows with their number.
Series reliability_series(const FaceColumns& columns, const char* name, std::size_t style) {
  constexpr double kLargest = 9, kSmallest = 1.5;  // pixels
  struct Bin {
    double faces = 0, confidence = 0, right = 0;
  };
  std::array<Bin, kCalibrationBins> bins{};
  for (std::size_t i = 0; i < columns.faces; ++i) {
    Bin& bin = bins[columns.top.bin[i]];
    const double right = columns.wrong[i] == 0 ? 1 : 0;
    bin = {bin.faces + 1, bin.confidence + columns.top.gap[i] + right, bin.right + right};
  }
  Series series{name, style, {}, {}};
  for (const Bin& bin : bins) {
    if (bin.faces == 0) continue;
    series.points.push_back({bin.confidence / bin.faces, bin.right / bin.faces});
    series.radii.push_back(std::max(kSmallest, kLargest * std::sqrt(bin.faces / static_cast<double>(columns.faces))));
  }
  return series;
}

Element reliability_chart(const Report& report, std::size_t run) {
  LineChart chart{"Reliability diagram of " + report.runs[run].name, "confidence", "accuracy", {}};
  chart.series = {reliability_series(report.plain[run], kBefore, 0),
                  reliability_series(report.calibrated[run], kAfter, 1)};
  chart.x_range = chart.y_range = Range{0, 1};
  chart.diagonal = true;
  return draw(chart);
}

std::string calibration_errors(const Report& report, std::size_t run) {
  return fmt::format("ECE {:.4f} before and {:.4f} after the temperature of {:.3f}.", measure(report.plain[run]).ece,
                     measure(report.calibrated[run]).ece, report.runs[run].temperature);
}

/// Every so many points, and the last one: which is the error rate.
std::vector<Point> curve_of(const FaceColumns& columns) {
  const auto all = risk_coverage(columns.entropy, columns.wrong, std::vector<double>(columns.faces, 1));
  const std::size_t step = std::max<std::size_t>(1, all.size() / kMostPoints);
  std::vector<Point> points;
  for (std::size_t i = all.size() - 1 - (all.size() - 1) / step * step; i < all.size(); i += step)
    points.push_back({all[i].coverage, all[i].risk});
  return points;
}

Element risk_chart(const Report& report) {
  LineChart chart{"Risk over coverage", "coverage", "risk", {}};
  for (std::size_t run = 0; run < report.runs.size(); ++run)
    chart.series.push_back(series_of(report, run, curve_of(report.plain[run])));
  chart.x_range = Range{0, 1};
  return draw(chart);
}

}  // namespace

Element calibration_section(const Report& report) {
  Element out = section("calibration", "Confidence");
  out.add({"h3", {}, "Reliability"});
  out.add(
      {"p",
       {{"class", "reading"}},
       "Faces in 15 bins of the largest probability: its mean to the right, the share of right answers upwards. On the "
       "dotted diagonal a net is right as often as it says; below it claims too much, above too little. The area of a "
       "dot is the share of faces in its bin."});
  out.add(line_legend({kBefore, kAfter}));
  Element grid("div", {{"class", "charts"}});
  for (std::size_t run = 0; run < report.runs.size(); ++run)
    grid.add(figure(reliability_chart(report, run), report.runs[run].name + ".", calibration_errors(report, run)));
  out.add(std::move(grid)).add({"h3", {}, "Risk and coverage"}).add(run_legend(report));
  return out.add(
      Element("div", {{"class", "charts"}})
          .add(figure(risk_chart(report), "Risk over coverage.",
                      "Were a net to answer only the faces of lowest entropy, this share of all (to the right), "
                      "so many of the answers would be wrong (upwards). At 1 it answers all. A line that falls "
                      "far to the left knows where it is unsure.")));
}

}  // namespace penumbra::trainer
