#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace penumbra::data {

/// A sample's place in an epoch; it has several where its class is repeated.
struct Occurrence {
  std::int64_t row = 0;
  std::uint32_t number = 0;  ///< 0, 1, ... of the row; part of the key of its draws
};

/// An epoch that balances classes: each class fills up to the size of the largest by repeating its samples, each at
/// most `most_repeats` times (1: nobody is repeated). Samples of a class differ by at most one occurrence, and who has
/// the odd one is drawn anew each epoch. By row, then by number. Pure.
std::vector<Occurrence> draw_occurrences(std::span<const std::int32_t> labels, std::int64_t most_repeats,
                                         std::uint64_t seed, std::uint32_t epoch);

/// How many there are, in every epoch.
std::int64_t count_occurrences(std::span<const std::int32_t> labels, std::int64_t most_repeats);

}  // namespace penumbra::data
