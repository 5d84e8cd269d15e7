#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "trainer/evaluation/bootstrap.h"
#include "trainer/evaluation/compare_runs.h"
#include "trainer/evaluation/measures.h"

namespace penumbra::trainer {

/// One object; a measure that does not exist for the set is null.
nlohmann::json to_json(const Measures& measures);
/// Of an object with measures those that a temperature changes.
nlohmann::json of_probabilities(const nlohmann::json& all);

/// {class: {count, recall, precision, f1}}; null where there is no face to divide by. names: [C].
nlohmann::json to_json(const std::vector<ClassMeasures>& classes, const std::vector<std::string>& names);

/// [low, high], or null where there is none.
nlohmann::json to_json(const ConfidenceInterval& interval);

/// {measure: {a, b, difference, interval, p}}; null where a measure does not exist.
nlohmann::json to_json(std::span<const Difference> differences);

}  // namespace penumbra::trainer
