#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/plan/matching.h"
#include "data/render/recipe.h"
#include "data/store/reader.h"
#include "data/store/sample_set.h"
#include "data/store/stored_variant.h"

namespace penumbra::data {

/// The ambiguous set of (seed, epoch) without its images: the same matching and recipes as an online epoch of that key.
/// For an odd N the sample that sits out gets an unmixed strong view (partner == source). `view_size` in pixels, 0: the
/// stored size.
StoredVariant plan_variant(const SampleSet& set, const AmbiguousOptions& options, std::uint64_t seed,
                           std::uint32_t epoch, int view_size = 0);

/// Renders the images of the recipes from `first` on, one after the other: the same bits as online. `threads` < 1: one
/// a core. The bytes do not depend on it. Throws what reading the set's images throws.
void render_variant(const SampleSet& set, const StoredVariant& variant, std::int64_t first, std::int64_t count,
                    std::uint8_t* out, int threads = 0);

/// The pairs of a variant, after checking that it fits the set: rows, images, label fingerprint, and partners as the
/// matching of its (seed, epoch) says. Throws DataError otherwise.
std::vector<Pair> matching_of(const SampleSet& set, const StoredVariant& variant);

/// Throws DataError unless the variant's recipes are those that `options` and `view_size` (0: the stored size) draw for
/// its (seed, epoch): training on it then equals training online with these options.
void require_options(const SampleSet& set, const StoredVariant& variant, const AmbiguousOptions& options,
                     int view_size);

/// Renders every recipe of a variant again and compares: throws DataError for the first row that differs, or when the
/// variant does not fit the set.
void verify_variant(const SampleSet& set, const StoredVariant& variant, int threads = 0);

/// Verifies all variants of a store; one line each. Throws DataError for the first thing wrong.
std::vector<std::string> verify_variants(const std::filesystem::path& file);

}  // namespace penumbra::data
