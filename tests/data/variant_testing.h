#pragma once

#include <cstdint>
#include <vector>

#include "data/render/variants.h"

namespace penumbra::data::testing {

/// A planned variant with its images, in memory.
inline StoredVariant make_variant(const SampleSet& set, const AmbiguousOptions& options, std::uint64_t seed,
                                  std::uint32_t epoch, int view_size = 0, int threads = 0) {
  StoredVariant variant = plan_variant(set, options, seed, epoch, view_size);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(set.size()) * variant.image_bytes(set.info.channels));
  render_variant(set, variant, 0, set.size(), pixels.data(), threads);
  variant.pixels = std::move(pixels);
  return variant;
}

}  // namespace penumbra::data::testing
