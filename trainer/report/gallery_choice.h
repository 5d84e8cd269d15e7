#pragma once

#include <cstdint>
#include <vector>

#include "trainer/evaluation/face_columns.h"

namespace penumbra::trainer {

/// Rows of the faces that a report shows of a run, at most so many each; among equals the first ones of the set.
struct GalleryChoice {
  std::vector<std::int64_t> most_uncertain;     ///< of the highest entropy, that one first
  std::vector<std::int64_t> least_uncertain;    ///< of the lowest entropy, that one first
  std::vector<std::int64_t> confidently_wrong;  ///< wrong ones of the highest probability of a class, that one first
};
GalleryChoice choose_faces(const FaceColumns& columns, std::size_t most);

}  // namespace penumbra::trainer
