#pragma once

#include <cstdint>
#include <vector>

#include "data/render/recipe.h"
#include "data/store/images.h"

namespace penumbra::data {

/// A stored variant of the ambiguous set: one rendered view a training sample and how it came about. Its images may be
/// in a file still.
struct StoredVariant {
  Images pixels;                        ///< [N, view_size, view_size, channels], before normalisation
  int view_size = 0;                    ///< side, pixels
  std::vector<Recipe> recipes;          ///< [N], source == row; N or N-1 are matched (an odd one sits out)
  std::uint64_t label_fingerprint = 0;  ///< of the labels that the matching came from
  std::uint64_t seed = 0;
  std::int64_t epoch = 0;  ///< the plan's epoch whose matching and recipes it holds

  std::size_t image_bytes(int channels) const { return static_cast<std::size_t>(view_size) * view_size * channels; }
};

}  // namespace penumbra::data
