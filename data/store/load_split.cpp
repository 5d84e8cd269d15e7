#include "data/store/load_split.h"

#include <algorithm>
#include <utility>

#include "data/error.h"
#include "data/store/reader.h"
#include "data/store/rows.h"

namespace penumbra::data {
namespace {

/// Opened stores, and what they are as one set.
struct OneKind {
  std::vector<StoreReader> readers;
  StoreInfo info;
};

/// What keeps two stores from being one set; empty when nothing does.
std::string difference(const StoreInfo& a, const StoreInfo& b) {
  if (a.vote_columns.empty() != b.vote_columns.empty())
    return b.vote_columns.empty() ? "no votes" : "votes, not labels alone";
  if (a.image_size != b.image_size)
    return "images of " + std::to_string(b.image_size) + " px, not " + std::to_string(a.image_size) + " px";
  if (a.channels != b.channels) return std::to_string(b.channels) + " channels, not " + std::to_string(a.channels);
  return {};
}

void add_missing(std::vector<std::string>& names, const std::vector<std::string>& more) {
  for (const std::string& name : more) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
}

void require_named_classes(const ClassMap& map, std::span<const std::string> files,
                           const std::vector<StoreReader>& readers) {
  std::vector<std::string> known;
  for (const StoreReader& reader : readers) add_missing(known, reader.info().classes);
  for (const auto& [name, becomes] : map) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw DataError(listed(files) + ": class map: no class " + name + ", there are " + listed(known));
  }
}

OneKind open_one_kind(std::span<const std::string> files, const ClassOptions& options) {
  OneKind kind;
  for (const std::string& file : files) {
    kind.readers.emplace_back(file);
    const std::string why = difference(kind.readers.front().info(), kind.readers.back().info());
    if (!why.empty())
      throw DataError(file + ": has " + why + " as " + files.front() + " has; one set must be of one kind");
  }
  if (options.made_for_these) require_named_classes(options.map, files, kind.readers);
  kind.info = kind.readers.front().info();
  kind.info.classes = options.classes.empty() ? mapped_classes(kind.info.classes, options.map) : options.classes;
  if (!kind.info.vote_columns.empty()) kind.info.vote_columns = kind.info.classes;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const StoreInfo& info = kind.readers[i].info();
    require_known(info.classes, options.map, kind.info.classes, files[i]);
    add_missing(kind.info.vote_columns, mapped_other_columns(info, options.map));
    kind.info.source = joined(kind.info.source, info.source);
    kind.info.label_rule = joined(kind.info.label_rule, info.label_rule);
  }
  return kind;
}

}  // namespace

StoreInfo require_one_kind(std::span<const std::string> files, const ClassOptions& options) {
  return open_one_kind(files, options).info;
}

SampleSet open_split(std::span<const std::string> files, const std::string& split, const ClassOptions& options) {
  const OneKind kind = open_one_kind(files, options);
  std::vector<SampleSet> parts;
  for (const StoreReader& reader : kind.readers) {
    if (reader.has(split)) parts.push_back(in_classes(reader.open(split), options.map, kind.info));
  }
  if (parts.empty()) throw DataError(listed(files) + ": no split " + split);
  SampleSet all = concatenate(std::move(parts));
  if (all.size() == 0) throw DataError(listed(files) + ": the class map leaves no face of split " + split);
  return all;
}

SampleSet load_split(std::span<const std::string> files, const std::string& split, const ClassOptions& options) {
  SampleSet set = open_split(files, split, options);
  set.pixels = set.pixels.in_memory();
  return set;
}

}  // namespace penumbra::data
