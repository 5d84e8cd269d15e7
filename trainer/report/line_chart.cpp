#include "trainer/report/line_chart.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace penumbra::trainer {
namespace {

constexpr double kWidth = 420, kHeight = 250;
constexpr double kLeft = 52, kRight = 14, kTop = 10, kBottom = 38;
constexpr int kMostSteps = 6;  // between ticks

std::string place(double value) { return fmt::format("{:.1f}", value); }

Range range_of(const std::vector<Series>& series, double Point::*axis) {
  Range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const Series& one : series) {
    for (const Point& point : one.points) {
      range.low = std::min(range.low, point.*axis);
      range.high = std::max(range.high, point.*axis);
    }
  }
  return range;
}

Element line(std::string name, double x1, double y1, double x2, double y2) {
  return {"line",
          {{"class", std::move(name)}, {"x1", place(x1)}, {"y1", place(y1)}, {"x2", place(x2)}, {"y2", place(y2)}}};
}

Element text(double x, double y, const char* anchor, std::string words) {
  return {"text", {{"x", place(x)}, {"y", place(y)}, {"text-anchor", anchor}}, std::move(words)};
}

/// An axis with its ticks inside the picture, and where they are.
struct Axis {
  std::vector<double> marks;
  Scale scale;
};

/// Values that are given are the ends; others reach to the next ticks.
Axis axis_of(const std::optional<Range>& given, Range found, Range places) {
  std::vector<double> marks = ticks(given.value_or(found), kMostSteps);
  const Range ends = given.value_or(Range{marks.front(), marks.back()});
  const double slack = 1e-9 * (ends.high - ends.low);
  std::erase_if(marks, [&](double mark) { return mark < ends.low - slack || mark > ends.high + slack; });
  return {std::move(marks), {ends, places}};
}

void add_axes(Element& svg, const LineChart& chart, const Axis& x, const Axis& y) {
  constexpr double kRightEnd = kWidth - kRight, kFloor = kHeight - kBottom;
  for (const double mark : y.marks) {
    const double at = y.scale(mark);
    svg.add(line("grid", kLeft, at, kRightEnd, at)).add(text(kLeft - 6, at + 4, "end", tick_label(mark)));
  }
  for (const double mark : x.marks) {
    const double at = x.scale(mark);
    svg.add(line("tick", at, kFloor, at, kFloor + 4)).add(text(at, kFloor + 16, "middle", tick_label(mark)));
  }
  svg.add(line("axis", kLeft, kFloor, kRightEnd, kFloor));
  svg.add(text((kLeft + kRightEnd) / 2, kHeight - 6, "middle", chart.x_label));
  svg.add(
      {"text",
       {{"transform", fmt::format("translate(12 {:.1f}) rotate(-90)", (kTop + kFloor) / 2)}, {"text-anchor", "middle"}},
       chart.y_label});
  if (chart.diagonal) svg.add(line("diagonal", kLeft, kFloor, kRightEnd, kTop));
}

void add_series(Element& svg, const Series& series, const Scale& x, const Scale& y) {
  std::string places;
  for (const Point& point : series.points) places += fmt::format("{:.1f},{:.1f} ", x(point.x), y(point.y));
  if (!places.empty()) places.pop_back();
  const std::string style = style_class(series.style);
  svg.add(Element("polyline", {{"class", "line " + style}, {"points", places}}).add({"title", {}, series.name}));
  // One point alone has no line.
  const bool lonely = series.points.size() == 1 && series.radii.empty();
  const std::vector<double> radii = lonely ? std::vector<double>{3} : series.radii;
  for (std::size_t i = 0; i < radii.size(); ++i) {
    const Point& point = series.points[i];
    svg.add(
        {"circle",
         {{"class", "dot " + style}, {"cx", place(x(point.x))}, {"cy", place(y(point.y))}, {"r", place(radii[i])}}});
  }
}

}  // namespace

Element draw(const LineChart& chart) {
  const Axis x = axis_of(chart.x_range, range_of(chart.series, &Point::x), {kLeft, kWidth - kRight});
  const Axis y = axis_of(chart.y_range, range_of(chart.series, &Point::y), {kHeight - kBottom, kTop});
  Element svg("svg",
              {{"viewBox", fmt::format("0 0 {} {}", kWidth, kHeight)}, {"role", "img"}, {"aria-label", chart.title}});
  add_axes(svg, chart, x, y);
  for (const Series& series : chart.series) add_series(svg, series, x.scale, y.scale);
  return svg;
}

std::string style_class(std::size_t style) {
  constexpr std::size_t kColours = 8, kDashes = 4;
  return fmt::format("c{} d{}", style % kColours, (style + style / kColours) % kDashes);
}

std::vector<Point> thinned(const std::vector<Point>& points, std::size_t most) {
  if (points.size() <= most) return points;
  const std::size_t run = (points.size() + most - 1) / most;
  std::vector<Point> out;
  for (std::size_t first = 0; first < points.size(); first += run) {
    const std::size_t last = std::min(first + run, points.size());
    Point sum{0, 0};
    for (std::size_t i = first; i < last; ++i) sum = {sum.x + points[i].x, sum.y + points[i].y};
    const auto count = static_cast<double>(last - first);
    out.push_back({sum.x / count, sum.y / count});
  }
  return out;
}

}  // namespace penumbra::trainer
