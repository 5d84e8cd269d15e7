#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "trainer/report/line_chart.h"

namespace penumbra::trainer {

/// What a run wrote of itself while it trained: its metrics.jsonl.
class TrainingLog {
 public:
  TrainingLog() = default;
  /// Of a file that is not there: nothing. Throws data::DataError that names the line which is no JSON object.
  explicit TrainingLog(const std::filesystem::path& metrics);

  /// A number of the rows of a kind ("train", "validation") over the epochs that were done by then; rows without it are
  /// left out.
  std::vector<Point> values(const std::string& kind, const std::string& key) const;
  /// Which all steps took together; none where there are none.
  std::optional<double> seconds() const;

 private:
  struct Row {
    std::string kind;
    std::map<std::string, double> numbers;
    double number(const std::string& key) const;  ///< NaN where there is none
  };
  double epochs_done(const Row& row) const;

  std::vector<Row> rows_;
  double steps_per_epoch_ = 0;  // 0: no row of a step
};

}  // namespace penumbra::trainer
