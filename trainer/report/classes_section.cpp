#include <algorithm>

#include <fmt/format.h>

#include "trainer/report/section_parts.h"
#include "trainer/report/sections.h"

namespace penumbra::trainer {
namespace {

constexpr double kDark = 0.8;  // from this share on a cell is dark enough for light letters

Element confusion_cell(std::int64_t count, std::int64_t of) {
  const double share = of > 0 ? static_cast<double>(count) / static_cast<double>(of) : 0;
  return Element("td",
                 {{"class", share >= kDark ? "heat hot" : "heat"}, {"style", fmt::format("--share:{:.3f}", share)}},
                 fmt::format("{}", count))
      .add({"small", {}, of > 0 ? fmt::format("{:.0f} %", 100 * share) : ""});
}

Element confusion_table(const Report& report, const Measures& measures) {
  std::vector<std::string> head = {"label ╲ predicted"};
  head.insert(head.end(), report.classes.begin(), report.classes.end());
  head.emplace_back("faces");
  Element body("tbody");
  for (std::size_t c = 0; c < report.classes.size(); ++c) {
    std::int64_t faces = 0;
    for (const std::int64_t count : measures.confusion[c]) faces += count;
    Element row("tr");
    row.add(row_head(report.classes[c]));
    for (const std::int64_t count : measures.confusion[c]) row.add(confusion_cell(count, faces));
    body.add(std::move(row.add(number_cell(fmt::format("{}", faces)))));
  }
  return Element("table", {{"class", "confusion"}}).add(head_row(head)).add(std::move(body));
}

Element class_table(const Report& report, const ReportedRun& run, const Measures& measures) {
  const std::vector<ClassMeasures> classes = by_class(measures);
  const auto cell = [](const std::optional<double>& value, const ConfidenceInterval& interval) {
    return value ? measured_cell(*value, interval) : number_cell("–");
  };
  Element body("tbody");
  for (std::size_t c = 0; c < classes.size(); ++c) {
    body.add(Element("tr")
                 .add(row_head(report.classes[c]))
                 .add(number_cell(fmt::format("{}", classes[c].count)))
                 .add(cell(classes[c].recall, run.intervals.classes[c].recall))
                 .add(cell(classes[c].precision, run.intervals.classes[c].precision))
                 .add(cell(classes[c].f1, run.intervals.classes[c].f1)));
  }
  return Element("table").add(head_row({"class", "faces", "recall", "precision", "F1"})).add(std::move(body));
}

}  // namespace

Element classes_section(const Report& report) {
  Element out = section("classes", "Classes");
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    const Measures measures = measure(report.plain[i]);
    out.add({"h3", {}, report.runs[i].name});
    out.add(
        Element("div", {{"class", "beside"}})
            .add(wide_table(confusion_table(report, measures),
                            "A row holds the faces of one label, a column those that were predicted as a class: how "
                            "many, and their share of the row, which is the colour. The diagonal is right; its "
                            "share is the recall."))
            .add(wide_table(class_table(report, report.runs[i], measures),
                            "Recall: the share of a label's faces that is found. Precision: the share of a class's "
                            "predictions that is right. F1: their harmonic mean. Small: 95 % intervals.")));
  }
  return out;
}

}  // namespace penumbra::trainer
