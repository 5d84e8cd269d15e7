#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/plan/philox.h"
#include "data/store/sample_set.h"

namespace penumbra::data::testing {

/// Images of independent random bytes, the hardest there are for a warp; labels 0, 1, ... in turn.
inline SampleSet random_set(int samples, int size, int channels, int classes = 4, std::uint64_t seed = 1) {
  SampleSet set;
  std::vector<std::uint8_t> pixels;
  for (int c = 0; c < classes; ++c) set.info.classes.push_back("class " + std::to_string(c));
  set.info.image_size = size;
  set.info.channels = channels;
  for (int i = 0; i < samples; ++i) {
    Draws draws(seed, Purpose::probe, 0, static_cast<std::uint32_t>(i));
    for (std::size_t k = 0; k < set.image_bytes(); ++k) pixels.push_back(static_cast<std::uint8_t>(draws.below(256)));
    set.labels.push_back(i % classes);
    set.ids.push_back("image " + std::to_string(i));
  }
  set.pixels = std::move(pixels);
  return set;
}

}  // namespace penumbra::data::testing
