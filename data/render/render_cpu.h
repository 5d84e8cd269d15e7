#pragma once

#include <cstdint>
#include <span>

#include "data/render/recipe.h"
#include "data/store/sample_set.h"

namespace penumbra::data {

/// (byte / 255 - mean) / deviation, per channel.
struct Normalisation {
  float mean = 0.5f, deviation = 0.25f;
};

/// Renders one view as bytes, [view_size, view_size, channels]: mix in stored space, warp (bilinear, border
/// replicated), contrast, brightness, saturation/grey, clamp and round half to even, erase. Thread-safe. Throws
/// DataError when the recipe does not fit the set (rows, cutmix box, erased rectangle, a map that leads far outside),
/// and std::invalid_argument when `out` has not view_size^2 * channels values.
void render_bytes(const SampleSet& set, const Recipe& recipe, int view_size, std::span<std::uint8_t> out);

/// The same view normalised to fp32 in one pass, channels-last (NHWC), which is what the nets read. Thread-safe; throws
/// like render_bytes.
void render_view(const SampleSet& set, const Recipe& recipe, int view_size, Normalisation norm, std::span<float> out);

/// Normalises stored bytes: the way a stored ambiguous variant becomes a view; same bits as render_view of its recipe.
/// Both of one length, otherwise std::invalid_argument.
void normalise(std::span<const std::uint8_t> bytes, Normalisation norm, std::span<float> out);

}  // namespace penumbra::data
