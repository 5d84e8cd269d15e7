#include <algorithm>
#include <utility>

#include "data/error.h"
#include "data/store/reader.h"

namespace penumbra::data {
namespace {

template <typename T>
void append(std::vector<T>& all, std::vector<T>&& more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// What keeps two stores from being one set; empty when nothing does.
std::string difference(const StoreInfo& a, const StoreInfo& b) {
  if (a.classes != b.classes) return "other classes";
  if (a.vote_columns != b.vote_columns) return "other vote columns";
  if (a.image_size != b.image_size)
    return "images of " + std::to_string(b.image_size) + " px, not " + std::to_string(a.image_size) + " px";
  if (a.channels != b.channels) return std::to_string(b.channels) + " channels, not " + std::to_string(a.channels);
  return {};
}

/// Sources and rules of a mixed set are those of its parts.
void join(std::string& all, const std::string& more) {
  if (all != more) all += " + " + more;
}

void append(SampleSet& all, SampleSet&& more) {
  // A distribution that is known of a part only is not known of the whole.
  if (all.distribution.empty() || more.distribution.empty()) {
    all.distribution.clear();
    more.distribution.clear();
  }
  append(all.labels, std::move(more.labels));
  append(all.votes, std::move(more.votes));
  append(all.distribution, std::move(more.distribution));
  append(all.ids, std::move(more.ids));
  join(all.info.source, more.info.source);
  join(all.info.label_rule, more.info.label_rule);
}

}  // namespace

SampleSet open_split(std::span<const std::string> files, const std::string& split) {
  SampleSet all;
  std::vector<Images> images;
  std::string named;
  for (const auto& file : files) {
    named += (named.empty() ? "" : ", ") + file;
    const StoreReader reader(file);
    const auto splits = reader.splits();
    const bool holds = std::find(splits.begin(), splits.end(), split) != splits.end();
    if (&file == &files.front()) all.info = reader.info();
    if (const std::string why = difference(all.info, reader.info()); !why.empty())
      throw DataError(file + ": has " + why + " as " + files.front() + " has; one set must be of one kind");
    if (!holds) continue;
    SampleSet more = reader.open(split);
    images.push_back(std::exchange(more.pixels, {}));
    if (images.size() > 1) {
      append(all, std::move(more));
    } else {
      all = std::move(more);
    }
  }
  if (images.empty()) throw DataError(named + ": no split " + split);
  all.pixels = Images::concatenated(images);
  return all;
}

SampleSet load_split(std::span<const std::string> files, const std::string& split) {
  SampleSet set = open_split(files, split);
  set.pixels = set.pixels.in_memory();
  return set;
}

}  // namespace penumbra::data
