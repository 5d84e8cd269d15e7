#include "data/plan/matching.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "data/plan/philox.h"
#include "data/plan/shuffle.h"

namespace penumbra::data {
namespace {

using Labels = std::span<const std::int32_t>;

std::int32_t label_of(Labels labels, std::int64_t row) { return labels[static_cast<std::size_t>(row)]; }

bool crosses(Labels labels, const Pair& pair) { return label_of(labels, pair.first) != label_of(labels, pair.second); }

/// The class that holds more than half of the samples, if there is one (Boyer and Moore's vote).
std::optional<std::int32_t> majority(Labels labels) {
  std::int32_t candidate = 0;
  std::size_t lead = 0;
  for (const std::int32_t label : labels) {
    if (lead == 0) candidate = label;
    lead = label == candidate ? lead + 1 : lead - 1;
  }
  const auto count = static_cast<std::size_t>(std::count(labels.begin(), labels.end(), candidate));
  return 2 * count > labels.size() ? std::optional(candidate) : std::nullopt;
}

/// Takes the last eligible sample of a shuffled odd order out of it.
void sit_one_out(std::vector<std::int64_t>& order, Labels labels) {
  const auto large = majority(labels);
  const auto last = std::find_if(order.rbegin(), order.rend(),
                                 [&](std::int64_t row) { return !large || label_of(labels, row) == *large; });
  order.erase(std::next(last).base());
}

/// Swaps two pairs of one class each, of different classes, into two pairs of two classes, while there are such.
/// Returns the pairs of one class that are left: all of the same class.
std::vector<std::size_t> mend_each_other(std::vector<Pair>& pairs, Labels labels) {
  std::vector<std::size_t> waiting;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (crosses(labels, pairs[k])) continue;
    if (waiting.empty() || label_of(labels, pairs[waiting.back()].first) == label_of(labels, pairs[k].first)) {
      waiting.push_back(k);
    } else {
      std::swap(pairs[waiting.back()].second, pairs[k].second);
      waiting.pop_back();
    }
  }
  return waiting;
}

/// Swaps each of `waiting`, all of class c, with a pair of two classes that has no c: both are then of two classes.
/// When there is no such pair left, every pair holds a c and no matching crosses more.
void mend_with_others(std::vector<Pair>& pairs, const std::vector<std::size_t>& waiting, Labels labels) {
  std::size_t other = 0;
  for (const std::size_t k : waiting) {
    const std::int32_t c = label_of(labels, pairs[k].first);
    const auto has_c = [&](const Pair& pair) {
      return label_of(labels, pair.first) == c || label_of(labels, pair.second) == c;
    };
    while (other < pairs.size() && has_c(pairs[other])) ++other;
    if (other == pairs.size()) return;
    std::swap(pairs[k].second, pairs[other].second);
  }
}

}  // namespace

std::vector<Pair> match(Labels labels, std::uint64_t seed, std::uint32_t epoch, std::uint32_t window) {
  std::vector<std::int64_t> order(labels.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  Draws draws(seed, Purpose::matching, epoch, window);
  shuffle(std::span(order), draws);
  if (order.size() % 2 == 1) sit_one_out(order, labels);
  std::vector<Pair> pairs(order.size() / 2);
  for (std::size_t k = 0; k < pairs.size(); ++k) pairs[k] = {order[2 * k], order[2 * k + 1]};
  mend_with_others(pairs, mend_each_other(pairs, labels), labels);
  return pairs;
}

}  // namespace penumbra::data
