#include "data/plan/occurrences.h"

#include <algorithm>
#include <map>

#include "data/plan/philox.h"
#include "data/plan/shuffle.h"

namespace penumbra::data {
namespace {

/// The rows of each class.
std::map<std::int32_t, std::vector<std::int64_t>> rows_by_class(std::span<const std::int32_t> labels) {
  std::map<std::int32_t, std::vector<std::int64_t>> classes;
  for (std::size_t row = 0; row < labels.size(); ++row) classes[labels[row]].push_back(static_cast<std::int64_t>(row));
  return classes;
}

template <typename Classes>
std::int64_t largest(const Classes& classes) {
  std::size_t most = 0;
  for (const auto& [label, rows] : classes) most = std::max(most, rows.size());
  return static_cast<std::int64_t>(most);
}

/// Occurrences that a class of `size` gets.
std::int64_t filled(std::int64_t size, std::int64_t most_repeats, std::int64_t largest) {
  return most_repeats >= (largest + size - 1) / size ? largest : size * most_repeats;
}

}  // namespace

std::vector<Occurrence> draw_occurrences(std::span<const std::int32_t> labels, std::int64_t most_repeats,
                                         std::uint64_t seed, std::uint32_t epoch) {
  std::vector<std::uint32_t> times(labels.size(), 1);
  auto classes = rows_by_class(labels);
  const std::int64_t most = largest(classes);
  for (auto& [label, rows] : classes) {
    const auto size = static_cast<std::int64_t>(rows.size()), wanted = filled(size, most_repeats, most);
    Draws draws(seed, Purpose::occurrences, epoch, static_cast<std::uint32_t>(label));
    shuffle(std::span(rows), draws);
    for (std::int64_t i = 0; i < size; ++i)
      times[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])] =
          static_cast<std::uint32_t>(wanted / size + (i < wanted % size));
  }
  std::vector<Occurrence> occurrences;
  for (std::size_t row = 0; row < times.size(); ++row) {
    for (std::uint32_t number = 0; number < times[row]; ++number)
      occurrences.push_back({static_cast<std::int64_t>(row), number});
  }
  return occurrences;
}

std::int64_t count_occurrences(std::span<const std::int32_t> labels, std::int64_t most_repeats) {
  const auto classes = rows_by_class(labels);
  const std::int64_t most = largest(classes);
  std::int64_t count = 0;
  for (const auto& [label, rows] : classes) count += filled(static_cast<std::int64_t>(rows.size()), most_repeats, most);
  return count;
}

}  // namespace penumbra::data
