#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace penumbra::data {

/// Names and numbers of the format (docs/data-format.md).
inline constexpr const char* kFormat = "penumbra";
inline constexpr std::int64_t kFormatVersion = 1;
inline constexpr std::int64_t kJpegVersion = 2;  ///< of a store that has images as JPEGs
inline constexpr std::array<const char*, 3> kSplits = {"train", "val", "test"};
inline constexpr std::uint64_t kImagesPerChunk = 32;

/// Sizes of a dataset, the slowest first.
using Shape = std::vector<std::uint64_t>;

inline std::string split_path(const std::string& split) { return "original/" + split; }
inline std::string groups_path(const std::string& split) { return split_path(split) + "/groups"; }
inline std::string variant_path(int variant) { return "ambiguous/variant-" + std::to_string(variant); }

}  // namespace penumbra::data
