#include "trainer/report/section_parts.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace penumbra::trainer {

Element section(const std::string& id, const std::string& title) {
  return Element("section", {{"id", id}}).add({"h2", {}, title});
}

Element figure(Element picture, const std::string& title, const std::string& reading) {
  Element caption("figcaption");
  caption.add({"b", {}, title});
  if (!reading.empty()) caption.add_text(" " + reading);
  return Element("figure").add(std::move(picture)).add(std::move(caption));
}

Element wide_table(Element table, const std::string& reading) {
  return Element("div", {{"class", "wide"}, {"tabindex", "0"}, {"role", "group"}, {"aria-label", "table"}})
      .add(std::move(table))
      .add({"p", {{"class", "reading"}}, reading});
}

Element head_row(const std::vector<std::string>& columns) {
  Element row("tr");
  for (const std::string& column : columns) row.add({"th", {{"scope", "col"}}, column});
  return Element("thead").add(std::move(row));
}

Element row_head(const std::string& text) { return {"th", {{"scope", "row"}}, text}; }

Element number_cell(const std::string& text) { return {"td", {{"class", "number"}}, text}; }

Element line_legend(const std::vector<std::string>& names) {
  Element legend("ul", {{"class", "legend"}});
  for (std::size_t style = 0; style < names.size(); ++style) {
    Element swatch("svg", {{"viewBox", "0 0 28 10"}, {"aria-hidden", "true"}});
    swatch.add(
        {"line", {{"class", "line " + style_class(style)}, {"x1", "1"}, {"y1", "5"}, {"x2", "27"}, {"y2", "5"}}});
    legend.add(Element("li").add(std::move(swatch)).add_text(names[style]));
  }
  return legend;
}

Element run_legend(const Report& report) {
  std::vector<std::string> names;
  for (const ReportedRun& run : report.runs) names.push_back(run.name);
  return line_legend(names);
}

Element share_legend(const Report& report) {
  Element legend("ul", {{"class", "legend"}});
  const auto add = [&](const char* style, const char* words) {
    Element swatch("svg", {{"viewBox", "0 0 28 10"}, {"aria-hidden", "true"}});
    swatch.add({"rect", {{"class", style}, {"x", "1"}, {"y", "2"}, {"width", "26"}, {"height", "6"}}});
    legend.add(Element("li").add(std::move(swatch)).add_text(words));
  };
  if (!report.human.empty()) add("human", "annotators");
  add("predicted", "predicted");
  return legend;
}

Series series_of(const Report& report, std::size_t run, std::vector<Point> points) {
  return {report.runs[run].name, run, std::move(points), {}};
}

std::string number(double value) { return std::isnan(value) ? "–" : fmt::format("{:.4f}", value); }

std::string interval_text(const ConfidenceInterval& interval) {
  return std::isnan(interval.low) ? "" : fmt::format("{:.4f} to {:.4f}", interval.low, interval.high);
}

Element measured_cell(double value, const ConfidenceInterval& interval) {
  return number_cell(number(value)).add({"small", {}, interval_text(interval)});
}

}  // namespace penumbra::trainer
