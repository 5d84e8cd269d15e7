#include "comm/bf16_wire.h"

#include <bit>
#include <cstddef>

namespace penumbra::comm {
namespace {

constexpr std::uint32_t kSign = 0x80000000, kInfinity = 0x7F800000, kQuiet = 0x00400000;

std::uint16_t rounded(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t nearest = bits + 0x7FFF + (bits >> 16 & 1);
  const bool nan = (bits & ~kSign) > kInfinity;
  return static_cast<std::uint16_t>((nan ? bits | kQuiet : nearest) >> 16);
}

float widened(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

}  // namespace

void to_bf16(std::span<const float> values, std::span<std::uint16_t> bits) {
  for (std::size_t i = 0; i < values.size(); ++i) bits[i] = rounded(values[i]);
}

void from_bf16(std::span<const std::uint16_t> bits, std::span<float> values) {
  for (std::size_t i = 0; i < bits.size(); ++i) values[i] = widened(bits[i]);
}

void sum_bf16(std::span<const void* const> rows, std::span<float> sums) {
  from_bf16({static_cast<const std::uint16_t*>(rows[0]), sums.size()}, sums);
  for (const void* row : rows.subspan(1)) {
    const auto* bits = static_cast<const std::uint16_t*>(row);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += widened(bits[i]);
  }
}

}  // namespace penumbra::comm
