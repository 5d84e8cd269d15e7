#include "data/store/rows.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace penumbra::data {
namespace {

/// Rows of a column of `width` values a sample; a column that is not there stays so.
template <typename T>
std::vector<T> picked(const std::vector<T>& column, std::span<const std::int64_t> rows, std::size_t width = 1) {
  std::vector<T> some;
  if (column.empty()) return some;
  some.reserve(rows.size() * width);
  for (const std::int64_t row : rows)
    some.insert(some.end(), column.begin() + row * width, column.begin() + (row + 1) * width);
  return some;
}

template <typename T>
void append(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

GroupColumn joined_column(std::span<const SampleSet> parts, const std::string& name) {
  GroupColumn all;
  GroupValues values;
  for (const SampleSet& part : parts) {
    const GroupColumn* column = find_column(part.groups, name);
    if (column == nullptr) {
      all.codes.resize(all.codes.size() + part.labels.size(), kUnknownGroup);
      continue;
    }
    std::vector<std::int32_t> code_of;
    for (const std::string& value : column->values) code_of.push_back(values.code_of(value));
    for (const std::int32_t code : column->codes)
      all.codes.push_back(code == kUnknownGroup ? code : code_of[static_cast<std::size_t>(code)]);
  }
  all.name = name;
  all.values = values.values();
  return all;
}

std::vector<GroupColumn> joined_groups(std::span<const SampleSet> parts) {
  GroupValues names;
  for (const SampleSet& part : parts) {
    for (const GroupColumn& column : part.groups) names.code_of(column.name);
  }
  std::vector<GroupColumn> groups;
  for (const std::string& name : names.values()) groups.push_back(joined_column(parts, name));
  return groups;
}

Images joined_images(std::span<SampleSet> parts) {
  std::vector<Images> images;
  for (SampleSet& part : parts) images.push_back(std::exchange(part.pixels, {}));
  return Images::concatenated(images);
}

}  // namespace

SampleSet rows_of(const SampleSet& set, std::span<const std::int64_t> rows) {
  for (const std::int64_t row : rows) {
    if (row < 0 || row >= set.size())
      throw std::out_of_range("row " + std::to_string(row) + " of a set of " + std::to_string(set.size()));
  }
  SampleSet some;
  some.info = set.info;
  some.pixels = set.pixels.rows(rows, set.image_bytes());
  some.labels = picked(set.labels, rows);
  some.votes = picked(set.votes, rows, set.info.vote_columns.size());
  some.distribution = picked(set.distribution, rows, set.info.classes.size());
  some.ids = picked(set.ids, rows);
  some.clean_labels = picked(set.clean_labels, rows);
  for (const GroupColumn& column : set.groups)
    some.groups.push_back({column.name, column.values, picked(column.codes, rows)});
  return some;
}

SampleSet concatenate(std::vector<SampleSet> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  const auto any = [&](auto holds) { return std::any_of(parts.begin(), parts.end(), holds); };
  const bool distributions = !any([](const SampleSet& part) { return part.distribution.empty(); });
  const bool noisy = any([](const SampleSet& part) { return !part.clean_labels.empty(); });
  SampleSet all;
  all.info = parts.at(0).info;
  all.pixels = joined_images(parts);
  all.groups = joined_groups(parts);
  for (const SampleSet& part : parts) {
    append(all.labels, part.labels);
    append(all.votes, part.votes);
    if (distributions) append(all.distribution, part.distribution);
    append(all.ids, part.ids);
    if (noisy) append(all.clean_labels, part.clean_labels.empty() ? part.labels : part.clean_labels);
    all.info.source = joined(all.info.source, part.info.source);
    all.info.label_rule = joined(all.info.label_rule, part.info.label_rule);
  }
  return all;
}

std::string joined(const std::string& all, const std::string& more) { return all == more ? all : all + " + " + more; }

}  // namespace penumbra::data
