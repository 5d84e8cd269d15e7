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
/// alone. Faces of one id, which FERPlus has, stay together, with the first of them. Where clean labels are known they
/// are what counts, and what the held-out samples get back. `fraction` lies in [0, 1], or it is a
/// std::invalid_argument.
HeldOut hold_out(const SampleSet& set, double fraction, std::uint64_t seed);

/// Holds out whole groups of the column, so that no subject, for one, is in both parts: in an order that follows from
/// `seed`, each that does not lead beyond round(fraction * N) samples, then the smallest other one where that comes
/// nearer to them. A sample of unknown group is a group of its own. Classes have their shares by chance alone; clean
/// labels and `fraction` are as above. The column has N codes.
HeldOut hold_out_groups(const SampleSet& set, const GroupColumn& column, double fraction, std::uint64_t seed);

/// Writes `store` to `out` with that part of its training split as split `split`, which it must not have yet; stored
/// variants stay behind. `by`: the column whose whole groups are held out; empty: single faces. Returns lines for the
/// user. Throws DataError, also when one of the two would be empty, when an id would be in both, or when there is no
/// such column.
std::vector<std::string> write_holdout(const std::filesystem::path& store, const std::filesystem::path& out,
                                       double fraction, std::uint64_t seed, const std::string& split,
                                       const std::string& by = {});

}  // namespace penumbra::data
