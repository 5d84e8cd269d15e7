#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/store/sample_set.h"

namespace penumbra::data {

/// A training set in two; both keep the set's order.
struct HeldOut {
  SampleSet kept, held;
};

/// Holds out round(fraction * N) samples, each class its share: rounded down, and the largest remainders rounded up so
/// that the total is right (the lower class first where they are equal). Which samples of a class, follows from `seed`
/// alone. Where clean labels are known they are what counts, and what the held-out samples get back. `fraction` lies
/// in [0, 1], or it is a std::invalid_argument.
HeldOut hold_out(const SampleSet& set, double fraction, std::uint64_t seed);

/// Writes `store` to `out` with that part of its training split as split `split`, which it must not have yet; stored
/// variants stay behind. Returns lines for the user. Throws DataError, also when one of the two would be empty, or when
/// an id would be in both.
std::vector<std::string> write_holdout(const std::filesystem::path& store, const std::filesystem::path& out,
                                       double fraction, std::uint64_t seed, const std::string& split);

}  // namespace penumbra::data
