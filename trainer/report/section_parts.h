#pragma once

#include <string>
#include <vector>

#include "trainer/evaluation/bootstrap.h"
#include "trainer/report/line_chart.h"
#include "trainer/report/markup.h"
#include "trainer/report/report.h"

namespace penumbra::trainer {

/// A section that the page's table of contents can lead to.
Element section(const std::string& id, const std::string& title);

/// A picture and, below it, what it shows and how to read it.
Element figure(Element picture, const std::string& title, const std::string& reading = "");

/// A table that scrolls sideways where the page is narrow, under what it shows and how to read it.
Element wide_table(Element table, const std::string& reading);
/// The row of a table's column heads; the first of the table's columns names its rows.
Element head_row(const std::vector<std::string>& columns);
Element row_head(const std::string& text);
Element number_cell(const std::string& text);

/// Which line is which, for all charts below it; names by their styles, 0, 1, ...
Element line_legend(const std::vector<std::string>& names);
/// The same of the runs.
Element run_legend(const Report& report);
/// Which bar is whose, for share_bars().
Element share_legend(const Report& report);
/// The run's line of a chart.
Series series_of(const Report& report, std::size_t run, std::vector<Point> points);

/// "0.8640", or a dash for NaN.
std::string number(double value);
/// "0.8420 to 0.8850", or nothing.
std::string interval_text(const ConfidenceInterval& interval);
/// The value, and its interval in smaller type below it.
Element measured_cell(double value, const ConfidenceInterval& interval);

}  // namespace penumbra::trainer
