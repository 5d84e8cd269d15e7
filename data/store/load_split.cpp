#include <algorithm>
#include <utility>

#include "data/error.h"
#include "data/store/reader.h"
#include "data/store/rows.h"

namespace penumbra::data {
namespace {

/// What keeps two stores from being one set; empty when nothing does.
std::string difference(const StoreInfo& a, const StoreInfo& b) {
  if (a.classes != b.classes) return "other classes";
  if (a.vote_columns != b.vote_columns) return "other vote columns";
  if (a.image_size != b.image_size)
    return "images of " + std::to_string(b.image_size) + " px, not " + std::to_string(a.image_size) + " px";
  if (a.channels != b.channels) return std::to_string(b.channels) + " channels, not " + std::to_string(a.channels);
  return {};
}

/// Opens all, which must be of one kind.
std::vector<StoreReader> open_one_kind(std::span<const std::string> files) {
  std::vector<StoreReader> readers;
  for (const std::string& file : files) {
    readers.emplace_back(file);
    if (const std::string why = difference(readers.front().info(), readers.back().info()); !why.empty())
      throw DataError(file + ": has " + why + " as " + files.front() + " has; one set must be of one kind");
  }
  return readers;
}

}  // namespace

StoreInfo require_one_kind(std::span<const std::string> files) {
  const std::vector<StoreReader> readers = open_one_kind(files);
  StoreInfo all = readers.front().info();
  for (const StoreReader& reader : readers) {
    all.source = joined(all.source, reader.info().source);
    all.label_rule = joined(all.label_rule, reader.info().label_rule);
  }
  return all;
}

SampleSet open_split(std::span<const std::string> files, const std::string& split) {
  std::vector<SampleSet> parts;
  for (const StoreReader& reader : open_one_kind(files)) {
    const auto splits = reader.splits();
    if (std::find(splits.begin(), splits.end(), split) != splits.end()) parts.push_back(reader.open(split));
  }
  if (!parts.empty()) return concatenate(std::move(parts));
  std::string named;
  for (const std::string& file : files) named += (named.empty() ? "" : ", ") + file;
  throw DataError(named + ": no split " + split);
}

SampleSet load_split(std::span<const std::string> files, const std::string& split) {
  SampleSet set = open_split(files, split);
  set.pixels = set.pixels.in_memory();
  return set;
}

}  // namespace penumbra::data
