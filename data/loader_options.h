#pragma once

#include <cstdint>

#include "data/plan/epoch_plan.h"
#include "data/render/recipe.h"
#include "data/render/render_cpu.h"

namespace penumbra::data {

enum class AmbiguousMode { online, stored };

struct LoaderOptions {
  std::int64_t global_batch = 64;  ///< samples a step over all ranks; even
  int view_size = 0;               ///< pixels; 0: the stored size
  std::uint64_t seed = 1;
  bool ambiguous = true;
  AmbiguousMode mode = AmbiguousMode::online;  ///< stored: epoch e uses variant e mod K
  int prefetch = 4;                            ///< batches rendered ahead; at least one a thread
  int threads = 0;                             ///< renderer threads; 0: one
  bool pinned = false;                         ///< views lie in page-locked memory: copies to a GPU need not wait
  /// Windows for a set whose images are in files; repeats for small classes, online only.
  PlanOptions plan;
  WeakOptions weak;
  AmbiguousOptions strong;
  Normalisation norm;
};

}  // namespace penumbra::data
