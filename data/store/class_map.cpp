#include "data/store/class_map.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>

#include "data/error.h"
#include "data/store/rows.h"

namespace penumbra::data {
namespace {

/// Where each of some columns goes; nothing: nowhere.
using Targets = std::vector<std::optional<std::size_t>>;

std::optional<std::size_t> find_from(const std::vector<std::string>& names, std::size_t first,
                                     const std::string& name) {
  const auto found = std::find(names.begin() + static_cast<std::ptrdiff_t>(first), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

const std::string& mapped(const std::string& name, const ClassMap& map) {
  const auto found = map.find(name);
  return found == map.end() ? name : found->second;
}

Targets class_targets(const std::vector<std::string>& classes, const ClassMap& map,
                      const std::vector<std::string>& wanted) {
  Targets targets;
  for (const std::string& name : classes) targets.push_back(find_from(wanted, 0, mapped(name, map)));
  return targets;
}

/// Those of the classes, and by name those of the columns beside them.
Targets vote_targets(const StoreInfo& info, Targets classes, const StoreInfo& wanted) {
  Targets targets = std::move(classes);
  targets.resize(info.vote_columns.size());
  for (std::size_t column = 0; column < targets.size(); ++column) {
    if (!targets[column])
      targets[column] = find_from(wanted.vote_columns, wanted.classes.size(), info.vote_columns[column]);
  }
  return targets;
}

bool keeps_all(const Targets& targets, std::size_t wanted) {
  if (targets.size() != wanted) return false;
  for (std::size_t column = 0; column < wanted; ++column) {
    if (targets[column] != column) return false;
  }
  return true;
}

/// Rows of `targets.size()` values as rows of `width`.
std::vector<float> regrouped(const std::vector<float>& values, const Targets& targets, std::size_t width) {
  const std::size_t columns = targets.size(), rows = columns == 0 ? 0 : values.size() / columns;
  std::vector<float> out(rows * width);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      if (targets[column]) out[row * width + *targets[column]] += values[row * columns + column];
    }
  }
  return out;
}

/// Of the first `classes` of `width` values.
float sum_over_classes(const std::vector<float>& values, std::size_t row, std::size_t width, std::size_t classes) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(row * width);
  return std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(classes), 0.0f);
}

/// The rows that have a class, a clean class, votes and a distribution still.
std::vector<std::int64_t> rows_left(const SampleSet& set, const Targets& targets) {
  const std::size_t classes = set.info.classes.size(), columns = set.info.vote_columns.size();
  const auto has_class = [&](std::int32_t label) { return targets[static_cast<std::size_t>(label)].has_value(); };
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < set.labels.size(); ++row) {
    if (has_class(set.labels[row]) && (set.clean_labels.empty() || has_class(set.clean_labels[row])) &&
        (set.votes.empty() || sum_over_classes(set.votes, row, columns, classes) > 0) &&
        (set.distribution.empty() || sum_over_classes(set.distribution, row, classes, classes) > 0))
      rows.push_back(static_cast<std::int64_t>(row));
  }
  return rows;
}

void rename_labels(std::vector<std::int32_t>& labels, const Targets& targets) {
  for (std::int32_t& label : labels)
    label = static_cast<std::int32_t>(targets[static_cast<std::size_t>(label)].value());
}

void make_sums_one(std::vector<float>& distribution, std::size_t classes) {
  for (std::size_t begin = 0; begin < distribution.size(); begin += classes) {
    const float sum = sum_over_classes(distribution, begin / classes, classes, classes);
    for (std::size_t c = 0; c < classes; ++c) distribution[begin + c] /= sum;
  }
}

}  // namespace

ClassMap parse_class_map(std::span<const std::string> lines) {
  ClassMap map;
  for (const std::string& line : lines) {
    const std::size_t sign = line.find('=');
    if (sign == 0 || sign == std::string::npos)
      throw DataError("class map: \"" + line + "\" is not OLD=NEW, or OLD= to leave a class out");
    if (!map.emplace(line.substr(0, sign), line.substr(sign + 1)).second)
      throw DataError("class map: " + line.substr(0, sign) + " is there twice");
  }
  return map;
}

std::vector<std::string> mapped_classes(const std::vector<std::string>& classes, const ClassMap& map) {
  std::vector<std::string> names;
  for (const std::string& name : classes) {
    const std::string& becomes = mapped(name, map);
    if (!becomes.empty() && !find_from(names, 0, becomes)) names.push_back(becomes);
  }
  return names;
}

std::vector<std::string> mapped_other_columns(const StoreInfo& info, const ClassMap& map) {
  if (info.vote_columns.empty()) return {};
  std::vector<std::string> names(info.vote_columns.begin() + static_cast<std::ptrdiff_t>(info.classes.size()),
                                 info.vote_columns.end());
  std::copy_if(info.classes.begin(), info.classes.end(), std::back_inserter(names),
               [&](const std::string& name) { return mapped(name, map).empty(); });
  return names;
}

void require_known(const std::vector<std::string>& classes, const ClassMap& map, const std::vector<std::string>& wanted,
                   const std::string& where) {
  for (const std::string& name : classes) {
    const std::string& becomes = mapped(name, map);
    if (becomes.empty() || find_from(wanted, 0, becomes)) continue;
    throw DataError(where + ": its class " + becomes + " is none of the classes " + listed(wanted) +
                    "; give it one of their names or leave it out with a class map (\"" + name + "=NEW\" or \"" + name +
                    "=\")");
  }
}

std::string listed(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

SampleSet in_classes(SampleSet set, const ClassMap& map, const StoreInfo& wanted) {
  const Targets classes = class_targets(set.info.classes, map, wanted.classes);
  const Targets votes = set.votes.empty() ? Targets() : vote_targets(set.info, classes, wanted);
  set.info = wanted;
  if (keeps_all(classes, wanted.classes.size()) && keeps_all(votes, wanted.vote_columns.size())) return set;
  set.votes = regrouped(set.votes, votes, wanted.vote_columns.size());
  if (!set.distribution.empty()) set.distribution = regrouped(set.distribution, classes, wanted.classes.size());
  if (const auto rows = rows_left(set, classes); rows.size() < set.labels.size()) set = rows_of(set, rows);
  rename_labels(set.labels, classes);
  rename_labels(set.clean_labels, classes);
  make_sums_one(set.distribution, wanted.classes.size());
  return set;
}

}  // namespace penumbra::data
