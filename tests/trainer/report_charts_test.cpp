#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trainer/report/axis.h"
#include "trainer/report/line_chart.h"
#include "trainer/report/share_bars.h"

namespace penumbra::trainer {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Ticks, AreRoundEvenAndCoverTheRange) {
  for (const double low : {-3.7, -0.02, 0.0, 1e-6, 0.9, 4321.0}) {
    for (const double span : {1e-4, 0.013, 0.5, 1.0, 77.0, 1e6}) {
      for (const int most : {2, 5, 6}) {
        const std::vector<double> marks = ticks({low, low + span}, most);
        ASSERT_GE(marks.size(), 2U);
        ASSERT_LE(marks.size(), static_cast<std::size_t>(most) + 1);
        const double step = marks[1] - marks[0], slack = 1e-6 * step;
        EXPECT_LE(marks.front(), low + slack);
        EXPECT_GT(marks[1], low - slack);
        EXPECT_GE(marks.back(), low + span - slack);
        EXPECT_LT(marks[marks.size() - 2], low + span + slack);
        const double digit = step / std::pow(10, std::floor(std::log10(step * (1 + 1e-6))));
        EXPECT_LT(std::min({std::abs(digit - 1), std::abs(digit - 2), std::abs(digit - 5)}), 1e-5) << step;
      }
    }
  }
}

TEST(Ticks, SurroundASingleValue) {
  EXPECT_LT(ticks({0.25, 0.25}, 6).front(), 0.25);
  EXPECT_GT(ticks({0.25, 0.25}, 6).back(), 0.25);
  EXPECT_LT(ticks({0, 0}, 6).front(), 0);
  EXPECT_GT(ticks({0, 0}, 6).back(), 0);
}

TEST(Ticks, AreLabelledShortly) {
  EXPECT_EQ(tick_label(3 * 0.1), "0.3");
  EXPECT_EQ(tick_label(-0.0), "0");
  EXPECT_EQ(tick_label(25000), "25000");
}

LineChart unit_square() {
  LineChart chart{"a chart", "right", "up", {{"a run", 9, {{0, 0}, {0.5, 1}, {1, 0.5}}, {}}}};
  chart.x_range = chart.y_range = Range{0, 1};
  return chart;
}

TEST(LineChart, PlacesPointsBetweenItsAxes) {
  const std::string svg = draw(unit_square()).to_string();
  EXPECT_THAT(svg, HasSubstr("points=\"52.0,212.0 229.0,10.0 406.0,111.0\""));
  EXPECT_THAT(svg, HasSubstr("aria-label=\"a chart\""));
  EXPECT_THAT(svg, HasSubstr("<title>a run</title>"));
  EXPECT_THAT(svg, Not(HasSubstr("circle")));
}

TEST(LineChart, ShowsWhereASinglePointIs) {
  LineChart chart = unit_square();
  chart.series[0].points = {{1, 1}};
  EXPECT_THAT(draw(chart).to_string(), HasSubstr("cx=\"406.0\" cy=\"10.0\""));
}

TEST(LineChart, StretchesToItsPoints) {
  LineChart chart = unit_square();
  chart.x_range = chart.y_range = std::nullopt;
  chart.series[0].points = {{0, 10}, {8, 40}};
  EXPECT_THAT(draw(chart).to_string(), HasSubstr("points=\"52.0,212.0 406.0,10.0\""));
}

TEST(StyleClass, TellsThirtyTwoLinesApart) {
  std::set<std::string> seen;
  for (std::size_t style = 0; style < 32; ++style) seen.insert(style_class(style));
  EXPECT_EQ(seen.size(), 32U);
}

TEST(Thinned, KeepsMeansAndShortLists) {
  std::vector<Point> points;
  for (int i = 0; i < 100; ++i) points.push_back({static_cast<double>(i), static_cast<double>(i * i)});
  EXPECT_EQ(thinned(points, 100).size(), 100U);
  const std::vector<Point> few = thinned(points, 10);
  ASSERT_EQ(few.size(), 10U);
  EXPECT_DOUBLE_EQ(few[0].x, 4.5);
  EXPECT_DOUBLE_EQ(few[0].y, 28.5);
  EXPECT_DOUBLE_EQ(few[9].x, 94.5);
  const std::vector<Point> odd = thinned(points, 30);
  EXPECT_EQ(odd.size(), 25U);
}

TEST(ShareBars, AreAsLongAsTheSharesAndSaidAloud) {
  const std::string svg =
      share_bars({"happy", "a very long name of a class"}, std::vector{0.25, 0.75}, std::vector{1.0, 0.0}).to_string();
  EXPECT_THAT(svg, HasSubstr("class=\"human\" x=\"84\" y=\"2.0\" width=\"36.5\""));
  EXPECT_THAT(svg, HasSubstr("class=\"predicted\" x=\"84\" y=\"7.0\" width=\"146.0\""));
  EXPECT_THAT(svg, HasSubstr("happy: annotators 0.25, predicted 1.00; a very long name of a class: annotators 0.75"));
  EXPECT_THAT(svg, HasSubstr(">a very long n…</text>"));
}

TEST(ShareBars, CutNamesBetweenCharacters) {
  EXPECT_THAT(share_bars({"ééééééééééééééé"}, {}, std::vector{1.0}).to_string(), HasSubstr(">ééééééééééééé…</text>"));
}

}  // namespace
}  // namespace penumbra::trainer
