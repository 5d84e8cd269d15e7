#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/store/sample_set.h"

namespace penumbra::data {

/// Gives exactly round(rate * N) samples another class, uniform among the other C - 1. `clean_labels` keeps the labels
/// as they were; the votes are the annotators' and stay. Which samples, and which class each gets, follows from `seed`
/// alone: those of a lower rate are among those of a higher one, with the same wrong class. `rate` lies in [0, 1] and
/// the set has no clean labels yet, or it is a std::invalid_argument.
SampleSet with_label_noise(SampleSet set, double rate, std::uint64_t seed);

/// Writes `store` to `out` with noise in the labels of its training split; the other splits stay clean, and stored
/// variants stay behind. Returns lines for the user. Throws DataError, also when the store has such noise already.
std::vector<std::string> write_with_label_noise(const std::filesystem::path& store, const std::filesystem::path& out,
                                                double rate, std::uint64_t seed);

}  // namespace penumbra::data
