#pragma once

#include <cstdint>

#include "data/render/affine.h"

namespace penumbra::data {

enum class Mix : std::uint8_t { none, mixup, cutmix };

/// A half-open rectangle [x0, x1) x [y0, y1) in pixels.
struct Rectangle {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  bool empty() const { return x1 <= x0 || y1 <= y0; }
  bool operator==(const Rectangle&) const = default;
};

/// How one view is made (method.md, section 1). The weak view of a sample is a recipe too: partner == source, lambda 1.
struct Recipe {
  std::int64_t source = 0, partner = 0;
  float lambda = 1;  ///< weight of the source, [0.5, 1 - 1e-4] when mixed, 1 otherwise
  Mix mix = Mix::none;
  Rectangle box;                  ///< cutmix: stored pixels that come from the partner; lambda = 1 - its area / S^2
  Affine theta;                   ///< view -> stored
  float contrast = 1;             ///< about mid-grey (127.5)
  float brightness = 0;           ///< added, as a share of 255
  float saturation = 1;           ///< RGB only, about the pixel's luma (ITU-R BT.601)
  bool grey = false;              ///< RGB only
  Rectangle erase;                ///< view pixels overwritten with random bytes; empty: none
  std::uint32_t erase_epoch = 0;  ///< with (seed, source, occurrence): the key of those bytes
  std::uint64_t seed = 0;
  std::uint32_t occurrence = 0;
  bool operator==(const Recipe&) const = default;
};

struct WeakOptions {
  float flip = 0.5f, shift = 0.06f, brightness = 0.1f, contrast = 0.1f;
};

struct AmbiguousOptions {
  Mix mix = Mix::mixup;
  float mix_probability = 1;  ///< that a view is mixed at all; else it shows its source alone, strongly augmented
  float alpha = 1;            ///< Beta(alpha, alpha)
  float strength = 1;         ///< multiplies every range below, rotation to saturation, but no probability
  int operations = 0;  ///< of rotation, scale, shift, brightness, contrast, erasing and, for RGB, colour: a view goes
                       ///< through so many, drawn anew for each (after RandAugment); 0: through all
  float flip = 0.5f, rotation_degrees = 10, scale = 0.1f, shift = 0.05f;
  float brightness = 0.3f, contrast = 0.3f, saturation = 0.3f, grey = 0.1f;
  float erase = 0.5f;  ///< probability of one rectangle of 2-25 % of the area, aspect 0.3-3.3
};

/// Draws of one view; pure functions of (seed, epoch, source, occurrence). `view_size` in pixels bounds the erased
/// rectangle, `stored_size` the cutmix box.
Recipe draw_weak(const WeakOptions& options, std::uint64_t seed, std::uint32_t epoch, std::int64_t source,
                 std::uint32_t occurrence = 0);
Recipe draw_ambiguous(const AmbiguousOptions& options, std::uint64_t seed, std::uint32_t epoch, std::int64_t source,
                      std::int64_t partner, int stored_size, int view_size, int channels, std::uint32_t occurrence = 0);

}  // namespace penumbra::data
