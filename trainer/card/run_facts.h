#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

#include "trainer/run_folder.h"

namespace penumbra::trainer {

/// What a run's own records say of how its weights came about; what is null is not known.
struct RunFacts {
  nlohmann::json environment;  ///< versions and ranks of its first start
  nlohmann::json data;         ///< what it was trained on, as describe() has it
  nlohmann::json pretrained;   ///< what its nets began with
  nlohmann::json validation;   ///< the row of metrics.jsonl that was measured with these weights
  std::int64_t starts = 0;     ///< how often it was started
};

/// Throws data::DataError where a record is damaged.
RunFacts facts_of(const RunFolder& folder, const TrainedModel& model);

}  // namespace penumbra::trainer
