#include "trainer/evaluation/measures_json.h"

#include <cmath>

#include <nlohmann/json.hpp>

namespace penumbra::trainer {
namespace {

nlohmann::json or_null(double value) { return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(); }
nlohmann::json or_null(const std::optional<double>& value) { return value ? or_null(*value) : nlohmann::json(); }

}  // namespace

nlohmann::json to_json(const Measures& m) {
  nlohmann::json out = {{"count", m.count}, {"confusion", m.confusion}};
  for (const auto& [name, value] : scalars(m)) out[std::string(name)] = or_null(value);
  return out;
}

nlohmann::json of_probabilities(const nlohmann::json& all) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, value] : all.items()) {
    if (is_of_probabilities(name)) out[name] = value;
  }
  return out;
}

nlohmann::json to_json(const std::vector<ClassMeasures>& classes, const std::vector<std::string>& names) {
  nlohmann::json out = nlohmann::json::object();
  for (std::size_t c = 0; c < classes.size(); ++c) {
    out[names[c]] = {{"count", classes[c].count},
                     {"recall", or_null(classes[c].recall)},
                     {"precision", or_null(classes[c].precision)},
                     {"f1", or_null(classes[c].f1)}};
  }
  return out;
}

nlohmann::json to_json(const ConfidenceInterval& interval) {
  if (std::isnan(interval.low)) return {};
  return nlohmann::json::array({interval.low, interval.high});
}

nlohmann::json to_json(std::span<const Difference> differences) {
  nlohmann::json out = nlohmann::json::object();
  for (const Difference& d : differences) {
    out[std::string(d.name)] = {{"a", or_null(d.a)},
                                {"b", or_null(d.b)},
                                {"difference", or_null(d.difference)},
                                {"interval", to_json(d.interval)},
                                {"p", or_null(d.p)}};
  }
  return out;
}

}  // namespace penumbra::trainer
