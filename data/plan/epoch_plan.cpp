#include "data/plan/epoch_plan.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "data/plan/philox.h"
#include "data/plan/shuffle.h"

namespace penumbra::data {

namespace {

std::int64_t pairs_in(std::int64_t global_batch) {
  if (global_batch >= 2 && global_batch % 2 == 0) return global_batch / 2;
  throw std::invalid_argument("global batch " + std::to_string(global_batch) +
                              " is not a positive even number: batches are runs of pairs");
}

void shuffle_pairs(std::vector<Pair>& pairs, std::uint64_t seed, std::uint32_t epoch, std::uint32_t window) {
  Draws draws(seed, Purpose::order, epoch, window);
  shuffle(std::span(pairs), draws);
}

/// The pairs of some occurrences, matched among themselves.
std::vector<Pair> pairs_of(std::span<const Occurrence> occurrences, std::span<const std::int32_t> labels,
                           std::uint64_t seed, std::uint32_t epoch, std::uint32_t window) {
  std::vector<std::int32_t> own;
  for (const Occurrence& one : occurrences) own.push_back(labels[static_cast<std::size_t>(one.row)]);
  std::vector<Pair> pairs = match(own, seed, epoch, window);
  for (Pair& pair : pairs) {
    const Occurrence &a = occurrences[static_cast<std::size_t>(pair.first)],
                     &b = occurrences[static_cast<std::size_t>(pair.second)];
    pair = {a.row, b.row, a.number, b.number};
  }
  return pairs;
}

/// The occurrences of the rows of a window.
std::vector<Occurrence> of_rows(const std::vector<std::int64_t>& rows, std::span<const Occurrence> all) {
  std::vector<Occurrence> occurrences;
  for (const std::int64_t row : rows) {
    const auto before = [](const Occurrence& one, std::int64_t other) { return one.row < other; };
    for (auto one = std::lower_bound(all.begin(), all.end(), row, before); one != all.end() && one->row == row; ++one)
      occurrences.push_back(*one);
  }
  return occurrences;
}

/// Pairs that every epoch has at least: repeated samples may leave one of each window without a partner.
std::int64_t least_pairs(std::span<const std::int32_t> labels, const PlanOptions& options) {
  const auto rows = static_cast<std::int64_t>(labels.size());
  const std::int64_t occurrences = count_occurrences(labels, options.most_repeats);
  const bool may_be_odd = options.windows.divide(rows) && options.most_repeats > 1;
  return (occurrences - (may_be_odd ? options.windows.count(rows) : 0)) / 2;
}

}  // namespace

std::int64_t count_steps(std::span<const std::int32_t> labels, std::int64_t global_batch, const PlanOptions& options) {
  return least_pairs(labels, options) / pairs_in(global_batch);
}

EpochPlan::EpochPlan(std::uint64_t seed, std::uint32_t epoch, std::uint32_t matching_epoch,
                     std::span<const std::int32_t> labels, std::int64_t global_batch, const PlanOptions& options)
    : pairs_per_batch_(pairs_in(global_batch)) {
  const auto rows = static_cast<std::int64_t>(labels.size());
  const auto occurrences = draw_occurrences(labels, options.most_repeats, seed, matching_epoch);
  if (!options.windows.divide(rows)) {
    pairs_ = pairs_of(occurrences, labels, seed, matching_epoch, 0);
    shuffle_pairs(pairs_, seed, epoch, 0);
    return;
  }
  std::uint32_t number = 0;
  for (const auto& window : draw_windows(rows, options.windows, seed, epoch)) {
    auto pairs = pairs_of(of_rows(window, occurrences), labels, seed, matching_epoch, number);
    shuffle_pairs(pairs, seed, epoch, number++);
    pairs_.insert(pairs_.end(), pairs.begin(), pairs.end());
  }
  pairs_.resize(static_cast<std::size_t>(least_pairs(labels, options)));
}

EpochPlan::EpochPlan(std::uint64_t seed, std::uint32_t epoch, std::vector<Pair> matching, std::int64_t global_batch)
    : pairs_per_batch_(pairs_in(global_batch)), pairs_(std::move(matching)) {
  shuffle_pairs(pairs_, seed, epoch, 0);
}

std::int64_t EpochPlan::steps() const { return static_cast<std::int64_t>(pairs_.size()) / pairs_per_batch_; }

std::span<const Pair> EpochPlan::batch(std::int64_t step) const {
  if (step < 0 || step >= steps()) {
    throw std::out_of_range("step " + std::to_string(step) + " of an epoch of " + std::to_string(steps()));
  }
  return std::span(pairs_).subspan(static_cast<std::size_t>(step * pairs_per_batch_),
                                   static_cast<std::size_t>(pairs_per_batch_));
}

std::span<const Pair> EpochPlan::share(std::int64_t step, Shard shard) const {
  if (shard.rank < 0 || shard.rank >= shard.world_size) {
    throw std::invalid_argument("rank " + std::to_string(shard.rank) + " of " + std::to_string(shard.world_size));
  }
  const std::int64_t begin = pairs_per_batch_ * shard.rank / shard.world_size;
  const std::int64_t end = pairs_per_batch_ * (shard.rank + 1) / shard.world_size;
  return batch(step).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

}  // namespace penumbra::data
