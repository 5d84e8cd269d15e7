#include "data/plan/occurrences.h"

#include <algorithm>

#include "data/plan/class_rows.h"
#include "data/plan/philox.h"
#include "data/plan/shuffle.h"

namespace penumbra::data {
namespace {

using Classes = std::vector<std::vector<std::int64_t>>;

std::int64_t largest(const Classes& classes) {
  std::size_t most = 0;
  for (const auto& rows : classes) most = std::max(most, rows.size());
  return static_cast<std::int64_t>(most);
}

/// Occurrences that a class of `size` gets; it is not empty.
std::int64_t filled(std::int64_t size, std::int64_t most_repeats, std::int64_t largest) {
  return most_repeats >= (largest + size - 1) / size ? largest : size * most_repeats;
}

}  // namespace

std::vector<Occurrence> draw_occurrences(std::span<const std::int32_t> labels, std::int64_t most_repeats,
                                         std::uint64_t seed, std::uint32_t epoch) {
  std::vector<std::uint32_t> times(labels.size(), 1);
  // Where nobody is repeated nothing is drawn.
  Classes classes = most_repeats > 1 ? rows_by_class(labels) : Classes();
  const std::int64_t most = largest(classes);
  for (std::size_t label = 0; label < classes.size(); ++label) {
    auto& rows = classes[label];
    if (rows.empty()) continue;
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
  const Classes classes = rows_by_class(labels);
  const std::int64_t most = largest(classes);
  std::int64_t count = 0;
  for (const auto& rows : classes) {
    if (!rows.empty()) count += filled(static_cast<std::int64_t>(rows.size()), most_repeats, most);
  }
  return count;
}

}  // namespace penumbra::data
