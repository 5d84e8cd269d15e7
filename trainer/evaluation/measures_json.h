#pragma once

#include <nlohmann/json_fwd.hpp>

#include "trainer/evaluation/measures.h"

namespace penumbra::trainer {

/// One object; a measure that does not exist for the set is null.
nlohmann::json to_json(const Measures& measures);

}  // namespace penumbra::trainer
