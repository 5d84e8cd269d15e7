#include <algorithm>
#include <array>

#include "trainer/report/section_parts.h"
#include "trainer/report/sections.h"

namespace penumbra::trainer {
namespace {

constexpr std::size_t kMostPoints = 400;

/// A number that runs log.
struct Curve {
  const char *kind, *key, *title, *unit;
};

constexpr std::array kCurves = {
    Curve{"train", "loss", "Loss, total", "nats"},
    Curve{"train", "ce_original", "Cross-entropy of f_o, original space", "nats"},
    Curve{"train", "ce_ambiguous", "Cross-entropy of f_a, ambiguous space", "nats"},
    Curve{"train", "attention", "Attention consistency, unweighted", "loss"},
    Curve{"train", "alignment", "Alignment of the label spaces, unweighted", "nats"},
    Curve{"train", "accuracy_original", "Training accuracy of f_o", "share of faces"},
    Curve{"train", "accuracy_ambiguous", "Training accuracy of f_a", "share of faces"},
    Curve{"train", "soft_label_moved", "Mass that soft labels move", "share"},
    Curve{"train", "learning_rate", "Learning rate", "rate"},
    Curve{"train", "gradient_norm", "Norm of the gradient", "2-norm"},
    Curve{"validation", "accuracy", "Validation accuracy", "share of faces"},
    Curve{"validation", "majority_accuracy", "Validation accuracy against the majority's class", "share of faces"},
    Curve{"validation", "nll", "Validation negative log-likelihood", "nats"},
    Curve{"validation", "ece", "Validation calibration error", "ECE"},
    Curve{"validation", "kl_human", "Validation KL divergence from the annotators", "nats"},
    Curve{"validation", "spearman_entropy", "Validation rank correlation of entropies", "Spearman"},
};

/// A term that a method does not have is logged as 0.
bool says_something(const std::vector<Point>& points) {
  return std::any_of(points.begin(), points.end(), [](const Point& point) { return point.y != 0; });
}

Element charts(const Report& report, const std::string& kind) {
  Element grid("div", {{"class", "charts"}});
  for (const Curve& curve : kCurves) {
    if (curve.kind != kind) continue;
    LineChart chart{curve.title, "epochs", curve.unit, {}};
    for (std::size_t run = 0; run < report.runs.size(); ++run) {
      const std::vector<Point> points = report.runs[run].log.values(curve.kind, curve.key);
      if (says_something(points)) chart.series.push_back(series_of(report, run, thinned(points, kMostPoints)));
    }
    if (!chart.series.empty()) grid.add(figure(draw(chart), curve.title));
  }
  return grid;
}

bool has_rows(const Report& report, const std::string& kind) {
  return std::any_of(report.runs.begin(), report.runs.end(), [&](const ReportedRun& run) {
    return !run.log.values(kind, kind == "train" ? "loss" : "accuracy").empty();
  });
}

}  // namespace

Element training_section(const Report& report) {
  Element out = section("training", "Training");
  if (!has_rows(report, "train") && !has_rows(report, "validation"))
    return out.add({"p", {}, "These run folders have no metrics.jsonl."});
  out.add(
      {"p",
       {{"class", "reading"}},
       "What the runs logged while they trained, over the epochs done; a long log is drawn as means of neighbouring "
       "rows. Losses of terms are before their weights, which rise during the ramp: the total may rise while every "
       "term falls. A run without a term has no line in its chart."});
  out.add(run_legend(report));
  out.add(charts(report, "train"));
  if (!has_rows(report, "validation")) return out;
  return out.add({"h3", {}, "On the validation split"}).add(charts(report, "validation"));
}

}  // namespace penumbra::trainer
