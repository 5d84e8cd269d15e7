#pragma once

#include <filesystem>
#include <optional>

#include "data/store/sample_set.h"
#include "trainer/config.h"
#include "trainer/evaluation/face_columns.h"

namespace penumbra::trainer {

/// What training has come to think of each of `set`: u and n of the run's newest checkpoint. None where there is no
/// checkpoint, or it was trained on other faces. Throws data::DataError where it is damaged.
std::optional<BankScores> bank_scores(const std::filesystem::path& run, const Config& config,
                                      const data::SampleSet& set);

}  // namespace penumbra::trainer
