#include "data/render/variants.h"

#include <algorithm>
#include <span>

#include "data/error.h"
#include "data/parallel.h"
#include "data/render/render_cpu.h"

namespace penumbra::data {
namespace {

constexpr std::int64_t kRenderedAtOnce = 64, kVerifiedAtOnce = 4096;  // rows

/// The partner of every row; the row itself when it sits out.
std::vector<std::int64_t> partners(std::span<const Pair> pairs, std::int64_t rows) {
  std::vector<std::int64_t> partner(static_cast<std::size_t>(rows));
  for (std::int64_t row = 0; row < rows; ++row) partner[static_cast<std::size_t>(row)] = row;
  for (const Pair& pair : pairs) {
    partner[static_cast<std::size_t>(pair.first)] = pair.second;
    partner[static_cast<std::size_t>(pair.second)] = pair.first;
  }
  return partner;
}

std::string name_of(const StoredVariant& variant) {
  return "stored variant of seed " + std::to_string(variant.seed) + ", epoch " + std::to_string(variant.epoch);
}

[[noreturn]] void does_not_fit(const StoredVariant& variant, const std::string& why) {
  throw DataError(name_of(variant) + " does not fit the training set: " + why +
                  "; render it again with `penumbra data ambiguous`");
}

}  // namespace

StoredVariant plan_variant(const SampleSet& set, const AmbiguousOptions& options, std::uint64_t seed,
                           std::uint32_t epoch, int view_size) {
  StoredVariant variant;
  variant.view_size = view_size > 0 ? view_size : set.info.image_size;
  variant.label_fingerprint = label_fingerprint(set.labels);
  variant.seed = seed;
  variant.epoch = epoch;
  const auto partner = partners(match(set.labels, seed, epoch), set.size());
  for (std::int64_t row = 0; row < set.size(); ++row) {
    variant.recipes.push_back(draw_ambiguous(options, seed, epoch, row, partner[static_cast<std::size_t>(row)],
                                             set.info.image_size, variant.view_size, set.info.channels));
  }
  return variant;
}

void render_variant(const SampleSet& set, const StoredVariant& variant, std::int64_t first, std::int64_t count,
                    std::uint8_t* out, int threads) {
  const std::size_t bytes = variant.image_bytes(set.info.channels);
  for_runs(count, kRenderedAtOnce, threads, [&](std::int64_t begin, std::int64_t end) {
    const auto recipes = std::span(variant.recipes)
                             .subspan(static_cast<std::size_t>(first + begin), static_cast<std::size_t>(end - begin));
    std::vector<std::int64_t> rows;
    for (const Recipe& recipe : recipes) rows.insert(rows.end(), {recipe.source, recipe.partner});
    const PickedImages images(set.pixels, rows, set.image_bytes());
    ViewRenderer renderer({});
    for (std::size_t i = 0; i < recipes.size(); ++i) {
      const StoredPair pair{set.info.image_size, set.info.channels, images[2 * i], images[2 * i + 1]};
      const std::size_t at = (static_cast<std::size_t>(begin) + i) * bytes;
      renderer.render_bytes(pair, recipes[i], variant.view_size, {out + at, bytes});
    }
  });
}

std::vector<Pair> matching_of(const SampleSet& set, const StoredVariant& variant) {
  if (variant.label_fingerprint != label_fingerprint(set.labels))
    does_not_fit(variant, "it was made from other labels");
  if (variant.recipes.size() != set.labels.size()) {
    does_not_fit(variant, "it has " + std::to_string(variant.recipes.size()) + " recipes for " +
                              std::to_string(set.size()) + " samples");
  }
  if (variant.pixels.size() != variant.recipes.size() * variant.image_bytes(set.info.channels))
    does_not_fit(variant, std::to_string(variant.pixels.size()) + " bytes are not its images");
  auto pairs = match(set.labels, variant.seed, static_cast<std::uint32_t>(variant.epoch));
  const auto partner = partners(pairs, set.size());
  for (std::int64_t row = 0; row < set.size(); ++row) {
    const Recipe& recipe = variant.recipes[static_cast<std::size_t>(row)];
    if (recipe.source != row || recipe.partner != partner[static_cast<std::size_t>(row)]) {
      does_not_fit(variant,
                   "the recipe of row " + std::to_string(row) + " has another source or partner than its matching");
    }
  }
  return pairs;
}

void verify_variant(const SampleSet& set, const StoredVariant& variant, int threads) {
  matching_of(set, variant);
  const std::size_t bytes = variant.image_bytes(set.info.channels);
  std::vector<std::uint8_t> stored, again;
  for (std::int64_t first = 0; first < set.size(); first += kVerifiedAtOnce) {
    const std::int64_t count = std::min(kVerifiedAtOnce, set.size() - first);
    stored.resize(static_cast<std::size_t>(count) * bytes);
    again.resize(stored.size());
    variant.pixels.read(first, count, bytes, stored.data());
    render_variant(set, variant, first, count, again.data(), threads);
    const auto differs = std::mismatch(stored.begin(), stored.end(), again.begin()).first;
    if (differs == stored.end()) continue;
    const std::int64_t row = first + (differs - stored.begin()) / static_cast<std::ptrdiff_t>(bytes);
    throw DataError(name_of(variant) + ": row " + std::to_string(row) +
                    " is not what its recipe renders; render it again with `penumbra data ambiguous`");
  }
}

void require_options(const SampleSet& set, const StoredVariant& variant, const AmbiguousOptions& options,
                     int view_size) {
  matching_of(set, variant);
  const StoredVariant drawn =
      plan_variant(set, options, variant.seed, static_cast<std::uint32_t>(variant.epoch), view_size);
  if (variant.view_size != drawn.view_size || variant.recipes != drawn.recipes) {
    throw DataError(
        "the stored ambiguous set was rendered with other [ambiguous] options or another view size than the "
        "configuration's: render it again with 'penumbra data ambiguous FILE --config CONFIG'");
  }
}

}  // namespace penumbra::data
