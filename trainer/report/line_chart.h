#pragma once

#include <optional>
#include <string>
#include <vector>

#include "trainer/report/axis.h"
#include "trainer/report/markup.h"

namespace penumbra::trainer {

struct Point {
  double x, y;
};

/// One line of a chart.
struct Series {
  std::string name;
  std::size_t style = 0;      ///< colour and dashes, see style_class()
  std::vector<Point> points;  ///< by rising x, finite
  std::vector<double> radii;  ///< of a dot at each point, pixels; empty: no dots
};

struct LineChart {
  std::string title;  ///< what a screen reader says of it
  std::string x_label, y_label;
  std::vector<Series> series;                                           ///< at least one point in all
  std::optional<Range> x_range = std::nullopt, y_range = std::nullopt;  ///< absent: as the points have it
  bool diagonal = false;                                                ///< from corner to corner
};

/// The chart as an SVG picture that takes the width it is given. Colours are the style sheet's.
Element draw(const LineChart& chart);

/// Classes of the style sheet for a line: eight colours, and four kinds of dashes for eyes and printers without
/// colours.
std::string style_class(std::size_t style);

/// At most `most` points: the means of runs of equally many neighbours.
std::vector<Point> thinned(const std::vector<Point>& points, std::size_t most);

}  // namespace penumbra::trainer
