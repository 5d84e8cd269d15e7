#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>

#include "comm/world.h"
#include "data/render/recipe.h"

namespace penumbra::data {

/// The ambiguous sets of epochs 0 to count - 1 (plan_variant).
struct VariantOptions {
  int count = 1;
  AmbiguousOptions strong;
  std::uint64_t seed = 1;
  int view_size = 0;  ///< pixels; 0: the stored size
};

struct StoredVariants {
  std::int64_t faces = 0;  ///< of the training set
  int found = 0;           ///< variants that a run before this one had rendered
};

/// Renders variants of a store's training set and puts them into it, instead of those that it has. The ranks of the job
/// share them out. Each is rendered into a file of its own in the folder FILE.variants, where it stays until all are
/// there and the store takes its new form: what was killed goes on with the variants that are missing. All ranks call;
/// `exit_code`: as for World::all_or_none(), which ends the job for a DataError.
StoredVariants store_variants(const std::filesystem::path& file, const VariantOptions& options, comm::World& world,
                              const std::function<int(std::exception_ptr)>& exit_code);

}  // namespace penumbra::data
