#include "trainer/report/training_log.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/error.h"

namespace penumbra::trainer {

TrainingLog::TrainingLog(const std::filesystem::path& metrics) {
  std::ifstream file(metrics);
  std::string line;
  for (int count = 1; std::getline(file, line); ++count) {
    const nlohmann::json found = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!found.is_object()) {
      throw data::DataError(
          fmt::format("{}: line {} is not a JSON object: remove it, or train the run again", metrics.string(), count));
    }
    Row row;
    for (const auto& [key, value] : found.items()) {
      if (value.is_number()) row.numbers[key] = value.get<double>();
      if (key == "kind" && value.is_string()) row.kind = value.get<std::string>();
    }
    if (row.kind == "train") steps_per_epoch_ = std::fmax(steps_per_epoch_, row.number("step"));
    rows_.push_back(std::move(row));
  }
}

double TrainingLog::Row::number(const std::string& key) const {
  const auto found = numbers.find(key);
  return found == numbers.end() ? NAN : found->second;
}

double TrainingLog::epochs_done(const Row& row) const {
  const double epoch = row.number("epoch");
  return row.kind == "train" ? epoch + row.number("step") / steps_per_epoch_ : epoch + 1;
}

std::vector<Point> TrainingLog::values(const std::string& kind, const std::string& key) const {
  std::vector<Point> points;
  for (const Row& row : rows_) {
    if (row.kind != kind) continue;
    const Point point{epochs_done(row), row.number(key)};
    if (std::isfinite(point.x) && std::isfinite(point.y)) points.push_back(point);
  }
  std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) { return a.x < b.x; });
  return points;
}

std::optional<double> TrainingLog::seconds() const {
  double sum = 0, epoch = NAN, before = 0;
  for (const Row& row : rows_) {
    if (row.kind != "train") continue;
    if (row.number("epoch") != epoch) before = 0;
    const double taken = (row.number("step") - before) * row.number("step_seconds");
    if (taken > 0) sum += taken;
    epoch = row.number("epoch");
    before = row.number("step");
  }
  return sum > 0 ? std::optional(sum) : std::nullopt;
}

}  // namespace penumbra::trainer
