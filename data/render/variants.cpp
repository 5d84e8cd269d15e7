#include "data/render/variants.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>

#include "data/error.h"
#include "data/render/render_cpu.h"

namespace penumbra::data {
namespace {

/// Calls work(row) for all rows, in chunks over threads; rethrows the first exception.
void for_rows(std::int64_t rows, int threads, const std::function<void(std::int64_t)>& work) {
  constexpr std::int64_t kChunk = 64;
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      for (std::int64_t begin = next.fetch_add(kChunk); begin < rows; begin = next.fetch_add(kChunk)) {
        for (std::int64_t row = begin; row < std::min(rows, begin + kChunk); ++row) work(row);
      }
    } catch (...) {
      next = rows;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  const int wanted = threads < 1 ? static_cast<int>(std::thread::hardware_concurrency()) : threads;
  {
    std::vector<std::jthread> pool;
    for (int i = 1; i < wanted; ++i) pool.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

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

StoredVariant make_variant(const SampleSet& set, const AmbiguousOptions& options, std::uint64_t seed,
                           std::uint32_t epoch, int view_size, int threads) {
  const int size = view_size > 0 ? view_size : set.info.image_size;
  const std::size_t bytes = static_cast<std::size_t>(size) * size * set.info.channels;
  const auto partner = partners(match(set.labels, seed, epoch), set.size());
  StoredVariant variant;
  variant.pixels.resize(bytes * partner.size());
  variant.recipes.resize(partner.size());
  variant.label_fingerprint = label_fingerprint(set.labels);
  variant.seed = seed;
  variant.epoch = epoch;
  for_rows(set.size(), threads, [&](std::int64_t row) {
    const auto i = static_cast<std::size_t>(row);
    variant.recipes[i] =
        draw_ambiguous(options, seed, epoch, row, partner[i], set.info.image_size, size, set.info.channels);
    const Recipe& recipe = variant.recipes[i];
    render_bytes(stored_pair(set, recipe.source, recipe.partner), recipe, size,
                 std::span(variant.pixels).subspan(i * bytes, bytes));
  });
  return variant;
}

std::vector<Pair> matching_of(const SampleSet& set, const StoredVariant& variant) {
  if (variant.label_fingerprint != label_fingerprint(set.labels))
    does_not_fit(variant, "it was made from other labels");
  if (variant.recipes.size() != set.labels.size()) {
    does_not_fit(variant, "it has " + std::to_string(variant.recipes.size()) + " recipes for " +
                              std::to_string(set.size()) + " samples");
  }
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

int view_size_of(const SampleSet& set, const StoredVariant& variant) {
  const std::size_t images = static_cast<std::size_t>(set.size()) * set.info.channels;
  const auto side =
      images == 0 ? 0
                  : std::lround(std::sqrt(static_cast<double>(variant.pixels.size()) / static_cast<double>(images)));
  if (side < 1 || images * static_cast<std::size_t>(side * side) != variant.pixels.size()) {
    does_not_fit(variant, std::to_string(variant.pixels.size()) + " bytes are not " + std::to_string(set.size()) +
                              " square images of " + std::to_string(set.info.channels) + " channels");
  }
  return static_cast<int>(side);
}

void verify_variant(const SampleSet& set, const StoredVariant& variant, int threads) {
  matching_of(set, variant);
  const int size = view_size_of(set, variant);
  const std::size_t bytes = static_cast<std::size_t>(size) * size * set.info.channels;
  for_rows(set.size(), threads, [&](std::int64_t row) {
    const auto i = static_cast<std::size_t>(row);
    std::vector<std::uint8_t> again(bytes);
    const Recipe& recipe = variant.recipes[i];
    render_bytes(stored_pair(set, recipe.source, recipe.partner), recipe, size, again);
    if (!std::equal(again.begin(), again.end(), variant.pixels.begin() + static_cast<std::ptrdiff_t>(i * bytes))) {
      throw DataError(name_of(variant) + ": row " + std::to_string(row) +
                      " is not what its recipe renders; render it again with `penumbra data ambiguous`");
    }
  });
}

void require_options(const SampleSet& set, const StoredVariant& variant, const AmbiguousOptions& options,
                     int view_size) {
  const int wanted = view_size > 0 ? view_size : set.info.image_size;
  const auto same = [&](const Recipe& stored) {
    if (stored.partner == stored.source) return true;  // sat out: never in a batch
    const Recipe drawn = draw_ambiguous(options, variant.seed, static_cast<std::uint32_t>(variant.epoch), stored.source,
                                        stored.partner, set.info.image_size, wanted, set.info.channels);
    return drawn.mix == stored.mix && drawn.lambda == stored.lambda && drawn.theta.m == stored.theta.m &&
           drawn.contrast == stored.contrast && drawn.brightness == stored.brightness &&
           drawn.saturation == stored.saturation && drawn.grey == stored.grey && drawn.erase.x0 == stored.erase.x0 &&
           drawn.erase.x1 == stored.erase.x1 && drawn.erase.y0 == stored.erase.y0 && drawn.erase.y1 == stored.erase.y1;
  };
  matching_of(set, variant);
  if (view_size_of(set, variant) != wanted || !std::all_of(variant.recipes.begin(), variant.recipes.end(), same)) {
    throw DataError(
        "the stored ambiguous set was rendered with other [ambiguous] options or another view size than the "
        "configuration's: render it again with 'penumbra data ambiguous FILE --config CONFIG'");
  }
}

}  // namespace penumbra::data
