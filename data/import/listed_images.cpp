#include "data/import/listed_images.h"

#include "data/error.h"

namespace penumbra::data {
namespace {

SampleSet to_samples(const ListedImages& listed, const StoreInfo& info, Decoded& decoded) {
  SampleSet set;
  set.info = info;
  set.pixels = std::move(decoded.images);
  const std::size_t columns = info.vote_columns.size();
  for (const std::size_t i : decoded.kept) {
    set.labels.push_back(listed.labels[i]);
    set.ids.push_back(listed.ids[i]);
    const auto votes = listed.votes.begin() + static_cast<std::ptrdiff_t>(i * columns);
    set.votes.insert(set.votes.end(), votes, votes + static_cast<std::ptrdiff_t>(columns));
  }
  for (const GroupColumn& column : listed.groups) {
    set.groups.push_back({column.name, column.values, {}});
    for (const std::size_t i : decoded.kept) set.groups.back().codes.push_back(column.codes[i]);
  }
  return set;
}

}  // namespace

FitImage fit_to(const StoreInfo& info, const ListedImages& listed, bool may_resize, const std::string& expected) {
  return [side = info.image_size, channels = info.channels, &listed, may_resize, expected](const Image& image,
                                                                                           std::size_t index) {
    if (!may_resize && (image.width != side || image.height != side)) {
      throw DataError(listed.files[index].string() + ": is " + std::to_string(image.width) + "x" +
                      std::to_string(image.height) + " pixels, " + expected + " " + std::to_string(side) + "x" +
                      std::to_string(side) + "; resize with --size");
    }
    return to_channels(resize(image, side), channels);
  };
}

void import_listed(const ListedImages& listed, const FitImage& fit, const ImportOptions& options,
                   const std::string& why_none, StoreWriter& writer, const StoreInfo& info, ImportReport& report) {
  Decoded decoded = decode_all(listed.files, {info.image_size, info.channels}, fit, options);
  report.notes.insert(report.notes.end(), decoded.bad.begin(), decoded.bad.end());
  const SampleSet set = to_samples(listed, info, decoded);
  if (set.size() == 0) {
    report.notes.push_back("no split " + listed.split + ": " + why_none);
    return;
  }
  report.splits.push_back(
      {listed.split, set.size(), listed.dropped_by_rule, static_cast<std::int64_t>(decoded.bad.size())});
  writer.write_split(listed.split, set);
}

}  // namespace penumbra::data
