#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace penumbra::data {

/// Two rows, and which occurrence of each of them this is.
struct Pair {
  std::int64_t first, second;
  std::uint32_t first_occurrence = 0, second_occurrence = 0;
};

/// A random perfect matching of the N samples that pairs across classes wherever it can: exactly
/// min(floor(N/2), N - n_max) pairs are of two classes, n_max being the largest class; the rest pair within their
/// class. For odd N one uniformly drawn sample sits out; when one class holds more than half, it is drawn from that
/// class, since any other would cost a pair of two classes. O(N). Pure function of its arguments (method.md, 1).
/// `window`: which part of a set that is matched in parts.
std::vector<Pair> match(std::span<const std::int32_t> labels, std::uint64_t seed, std::uint32_t epoch,
                        std::uint32_t window = 0);

}  // namespace penumbra::data
