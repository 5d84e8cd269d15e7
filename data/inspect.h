#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace penumbra::data {

/// What a store holds: info, version, and per split count, class counts, vote statistics, fingerprint, stored variants.
nlohmann::json inspect(const std::filesystem::path& file);

/// Reads everything and checks it (ranges, votes, alignment, duplicate ids across splits, variants re-rendered and compared). Throws DataError for the first thing
/// wrong; otherwise returns one line a check.
std::vector<std::string> verify(const std::filesystem::path& file);

struct ProbeResult {
  double train_accuracy = 0, test_accuracy = 0;
};
/// Multinomial logistic regression on standardised pixels, trained on `train`, tested on `test`: how much a task is worth
/// to a model that cannot see. Full-batch gradient descent with L2, deterministic.
ProbeResult linear_probe(const std::filesystem::path& file);

}  // namespace penumbra::data
