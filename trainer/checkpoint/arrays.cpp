#include "trainer/checkpoint/arrays.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "data/error.h"

namespace penumbra::trainer {
namespace {

// A file's word for the size of what it holds little of: visits of a hundred million samples, 4 GiB.
constexpr std::size_t kMostSparse = std::size_t{1} << 30;

struct Joined {
  std::vector<float> values;
  std::vector<bool> covered;
  bool sparse = false;
};

void place(const std::string& name, const ArrayPart& part, Joined& into) {
  if (into.values.size() != static_cast<std::size_t>(part.size))
    throw data::DataError(fmt::format("array {}: its parts disagree about its size", name));
  std::size_t next = 0;
  for (const comm::Interval& interval : part.intervals) {
    const bool inside = interval.offset >= 0 && interval.size >= 0 && interval.offset <= part.size - interval.size;
    if (!inside || next + static_cast<std::size_t>(interval.size) > part.values.size())
      throw data::DataError(fmt::format("array {}: a part lies outside it", name));
    const auto begin = static_cast<std::ptrdiff_t>(interval.offset);
    const auto values = part.values.begin() + static_cast<std::ptrdiff_t>(next);
    const auto target = into.values.begin() + begin;
    if (part.sparse) {
      std::transform(values, values + interval.size, target, target, std::plus<>());
    } else {
      std::copy_n(values, interval.size, target);
    }
    std::fill_n(into.covered.begin() + begin, interval.size, true);
    next += static_cast<std::size_t>(interval.size);
  }
}

}  // namespace

WholeArrays join(const std::vector<StateArrays>& shares) {
  std::map<std::string, std::size_t> given;  // values of all parts
  for (const StateArrays& share : shares) {
    for (const auto& [name, part] : share) given[name] += part.values.size();
  }
  std::map<std::string, Joined> joined;
  for (const StateArrays& share : shares) {
    for (const auto& [name, part] : share) {
      const auto size = static_cast<std::size_t>(std::max<std::int64_t>(0, part.size));
      if (size > (part.sparse ? kMostSparse : given[name]))
        throw data::DataError(fmt::format("array {}: says that it has {} elements", name, size));
      const auto [entry, fresh] = joined.try_emplace(name);
      if (fresh) entry->second = {std::vector<float>(size), std::vector<bool>(size), false};
      place(name, part, entry->second);
      entry->second.sparse |= part.sparse;
    }
  }
  WholeArrays whole;
  for (auto& [name, array] : joined) {
    if (!array.sparse && std::find(array.covered.begin(), array.covered.end(), false) != array.covered.end())
      throw data::DataError(fmt::format("array {}: parts of it are missing", name));
    whole[name] = std::move(array.values);
  }
  return whole;
}

}  // namespace penumbra::trainer
