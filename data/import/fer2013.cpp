#include "data/import/fer2013.h"

#include <array>

#include "data/error.h"
#include "data/import/csv.h"
#include "data/import/ferplus_votes.h"
#include "data/import/pixel_text.h"
#include "data/store/writer.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;

struct Fer2013Faces {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
  std::vector<std::string> ids;
};
using Fer2013Splits = std::array<Fer2013Faces, kFerplusSplits.size()>;

StoreInfo fer2013_info() {
  StoreInfo info;
  info.classes = {"angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"};
  info.image_size = kFer2013Side;
  info.channels = 1;
  info.source = "FER2013";
  info.label_rule = "given";
  return info;
}

Fer2013Splits read_table(const fs::path& table, int classes) {
  CsvReader csv(table);
  const std::size_t emotion = csv.column("emotion"), pixels = csv.column("pixels"), usage = csv.column("Usage");
  Fer2013Splits splits;
  for (CsvRow row; csv.next(row);) {
    const auto split = split_of_usage(row.fields[usage]);
    if (!split) csv.fail(row.line, "Usage is \"" + row.fields[usage] + "\", not Training, PublicTest or PrivateTest");
    Fer2013Faces& faces = splits[*split];
    faces.labels.push_back(csv.integer(row, emotion, 0, classes - 1));
    if (!append_pixel_text(row.fields[pixels], faces.pixels)) csv.fail(row.line, kFer2013PixelsExpected);
    faces.ids.push_back("fer2013/" + std::to_string(row.line));
  }
  return splits;
}

SampleSet to_samples(const StoreInfo& info, Fer2013Faces&& faces) {
  SampleSet set;
  set.info = info;
  set.pixels = std::move(faces.pixels);
  set.labels = std::move(faces.labels);
  set.ids = std::move(faces.ids);
  return set;
}

}  // namespace

ImportReport import_fer2013(const fs::path& from, const fs::path& out) {
  const fs::path table = fs::is_directory(from) ? from / "fer2013.csv" : from;
  const StoreInfo info = fer2013_info();
  Fer2013Splits splits = read_table(table, static_cast<int>(info.classes.size()));
  StoreWriter writer(out, info);
  ImportReport report;
  for (std::size_t i = 0; i < splits.size(); ++i) {
    const FerplusSplit& split = kFerplusSplits[i];
    const SampleSet set = to_samples(info, std::move(splits[i]));
    if (set.size() == 0) {
      report.notes.push_back(std::string("no split ") + split.name + ": " + table.string() + " has no row of " +
                             split.usage);
      continue;
    }
    report.splits.push_back({split.name, set.size(), 0, 0});
    writer.write_split(split.name, set);
  }
  if (report.splits.empty()) throw DataError(table.string() + ": has no row, only a header");
  writer.commit();
  return report;
}

}  // namespace penumbra::data
