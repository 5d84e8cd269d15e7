#include "data/import/ferplus.h"

#include "data/error.h"
#include "data/import/csv.h"
#include "data/import/decode_all.h"
#include "data/import/ferplus_votes.h"
#include "data/import/pixel_text.h"
#include "data/store/writer.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = kFer2013Side;

/// The faces of one split that the rule keeps, with their pixels once these are read.
struct FerplusFaces {
  bool found = false;  ///< the split's images are there
  std::vector<const FerplusRow*> rows;
  Images images;
  std::int64_t dropped_by_rule = 0;
  std::vector<std::string> bad;
};
using FerplusSplits = std::array<FerplusFaces, kFerplusSplits.size()>;

FerplusSplits group_rows(const std::vector<FerplusRow>& rows) {
  FerplusSplits splits;
  for (const FerplusRow& row : rows) {
    FerplusFaces& faces = splits[row.split];
    if (row.label) {
      faces.rows.push_back(&row);
    } else {
      ++faces.dropped_by_rule;
    }
  }
  return splits;
}

Image fit(const Image& image, const fs::path& file) {
  if (image.width != kSide || image.height != kSide) {
    throw DataError(file.string() + ": is " + std::to_string(image.width) + "x" + std::to_string(image.height) +
                    " pixels, the images of FERPlus are 48x48");
  }
  return to_channels(image, 1);
}

void read_images(const fs::path& folder, const ImportOptions& options, FerplusFaces& faces) {
  std::vector<fs::path> files;
  for (const FerplusRow* row : faces.rows) files.push_back(folder / row->image);
  const auto fit_face = [&](const Image& image, std::size_t index) { return fit(image, files[index]); };
  Decoded decoded = decode_all(files, {kSide, 1}, fit_face, options);
  std::vector<const FerplusRow*> kept;
  for (const std::size_t i : decoded.kept) kept.push_back(faces.rows[i]);
  faces.rows = std::move(kept);
  faces.images = std::move(decoded.images);
  faces.bad = std::move(decoded.bad);
}

void read_pixel_table(const fs::path& file, const std::vector<FerplusRow>& rows, FerplusSplits& splits) {
  CsvReader csv(file);
  const std::size_t pixels = csv.column("pixels"), usage = csv.column("Usage");
  std::array<std::vector<std::uint8_t>, kFerplusSplits.size()> read;
  std::size_t count = 0;
  for (CsvRow fields; csv.next(fields); ++count) {
    if (count == rows.size()) csv.fail(fields.line, "more rows than fer2013new.csv has; both must be of one edition");
    const FerplusRow& row = rows[count];
    if (split_of_usage(fields.fields[usage]) != row.split) {
      csv.fail(fields.line, "Usage is \"" + fields.fields[usage] + "\", but " + kFerplusSplits[row.split].usage +
                                " in line " + std::to_string(row.line) +
                                " of fer2013new.csv; both must have the same row order");
    }
    if (row.label && !append_pixel_text(fields.fields[pixels], read[row.split]))
      csv.fail(fields.line, kFer2013PixelsExpected);
  }
  if (count < rows.size()) {
    throw DataError(file.string() + ": has " + std::to_string(count) + " rows, fer2013new.csv has " +
                    std::to_string(rows.size()) + "; both must be of one edition");
  }
  for (std::size_t i = 0; i < splits.size(); ++i) {
    splits[i].found = true;
    splits[i].images = std::move(read[i]);
  }
}

void read_pixels(const fs::path& dir, const std::vector<FerplusRow>& rows, const ImportOptions& options,
                 FerplusSplits& splits) {
  bool any = false;
  for (std::size_t i = 0; i < splits.size(); ++i) {
    const fs::path folder = dir / kFerplusSplits[i].folder;
    splits[i].found = fs::is_directory(folder);
    any = any || splits[i].found;
    if (splits[i].found) read_images(folder, options, splits[i]);
  }
  if (any) return;
  if (!fs::exists(dir / "fer2013.csv"))
    throw DataError(dir.string() + ": has neither FER2013Train/, FER2013Valid/, FER2013Test/ nor fer2013.csv");
  read_pixel_table(dir / "fer2013.csv", rows, splits);
}

StoreInfo ferplus_info(LabelRule rule) {
  StoreInfo info;
  info.classes.assign(kFerplusColumns.begin(), kFerplusColumns.begin() + kFerplusClasses);
  info.vote_columns.assign(kFerplusColumns.begin(), kFerplusColumns.end());
  info.image_size = kSide;
  info.channels = 1;
  info.source = "FERPlus";
  info.label_rule = name_of(rule);
  return info;
}

SampleSet to_samples(const StoreInfo& info, FerplusFaces& faces) {
  SampleSet set;
  set.info = info;
  set.pixels = std::move(faces.images);
  for (const FerplusRow* row : faces.rows) {
    set.labels.push_back(*row->label);
    set.votes.insert(set.votes.end(), row->votes.begin(), row->votes.end());
    set.ids.push_back(row->image);
  }
  return set;
}

void check_folder(const fs::path& dir) {
  if (!fs::is_directory(dir)) throw DataError(dir.string() + ": no such folder");
  if (!fs::exists(dir / "fer2013new.csv"))
    throw DataError(dir.string() + ": has no fer2013new.csv, the votes of FERPlus");
}

}  // namespace

ImportReport import_ferplus(const fs::path& dir, const fs::path& out, LabelRule rule, const ImportOptions& options) {
  check_folder(dir);
  const std::vector<FerplusRow> rows = read_ferplus_rows(dir / "fer2013new.csv", rule);
  const StoreInfo info = ferplus_info(rule);
  StoreWriter writer(out, info);
  FerplusSplits splits = group_rows(rows);
  read_pixels(dir, rows, options, splits);
  ImportReport report;
  for (std::size_t i = 0; i < splits.size(); ++i) {
    const FerplusSplit& split = kFerplusSplits[i];
    FerplusFaces& faces = splits[i];
    report.notes.insert(report.notes.end(), faces.bad.begin(), faces.bad.end());
    if (!faces.found || faces.rows.empty()) {
      report.notes.push_back(std::string("no split ") + split.name + ": " +
                             (faces.found ? std::string("fer2013new.csv has no usable row of ") + split.usage
                                          : (dir / split.folder).string() + " is missing"));
      continue;
    }
    report.splits.push_back({split.name, static_cast<std::int64_t>(faces.rows.size()), faces.dropped_by_rule,
                             static_cast<std::int64_t>(faces.bad.size())});
    writer.write_split(split.name, to_samples(info, faces));
  }
  if (report.splits.empty()) throw DataError(dir.string() + ": has no face that the label rule keeps");
  writer.commit();
  return report;
}

}  // namespace penumbra::data
