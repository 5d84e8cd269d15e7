#pragma once

#include <cstdint>
#include <span>

namespace penumbra::comm {

/// The upper halves of fp32 numbers: bfloat16 bits, rounded to nearest, ties to even; NaN stays NaN. Equal sizes.
void to_bf16(std::span<const float> values, std::span<std::uint16_t> bits);
void from_bf16(std::span<const std::uint16_t> bits, std::span<float> values);

/// sums[i] = rows[0][i] + rows[1][i] + ..., in that order, in fp32. `rows`: at least one, each of sums.size() bf16
/// bits.
void sum_bf16(std::span<const void* const> rows, std::span<float> sums);

}  // namespace penumbra::comm
