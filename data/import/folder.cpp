#include "data/import/folder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "data/error.h"
#include "data/import/group_table.h"
#include "data/import/listed_images.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;

/// The files of one split, by class and name.
struct Listing {
  ListedImages images;
  fs::path folder;  ///< empty: the split is missing
  std::vector<std::string> classes;
  std::int64_t others = 0;  ///< files that are no images by their ending
};

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!is_hidden(entry.path())) entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

/// Empty where there is none.
fs::path find_split(const fs::path& dir, const std::string& name) {
  const bool other_name = name == "val" && fs::is_directory(dir / "valid");
  if (fs::is_directory(dir / name)) {
    if (other_name) throw DataError(dir.string() + ": has both val/ and valid/; keep one");
    return dir / name;
  }
  return other_name ? dir / "valid" : fs::path();
}

/// `classes` empty: take the folder's own.
Listing list_split(const fs::path& dir, const std::string& name, const std::vector<std::string>& classes) {
  Listing listing{{name, {}, {}, {}, {}, {}, 0}, find_split(dir, name), classes, 0};
  if (listing.folder.empty()) return listing;
  for (const fs::path& folder : sorted_entries(listing.folder)) {
    if (!fs::is_directory(folder)) {
      ++listing.others;
      continue;
    }
    const std::string class_name = folder.filename().string();
    if (classes.empty()) listing.classes.push_back(class_name);
    const auto found = std::find(listing.classes.begin(), listing.classes.end(), class_name);
    if (found == listing.classes.end()) throw DataError(folder.string() + ": train has no class of this name");
    for (const fs::path& file : sorted_entries(folder)) {
      if (!has_image_ending(file)) {
        ++listing.others;
        continue;
      }
      listing.images.files.push_back(file);
      listing.images.labels.push_back(static_cast<std::int32_t>(found - listing.classes.begin()));
      listing.images.ids.push_back(file.lexically_relative(dir).generic_string());
    }
  }
  return listing;
}

Image first_readable(const Listing& train, bool skip_bad) {
  for (const fs::path& file : train.images.files) {
    try {
      return read_image(file);
    } catch (const DataError&) {
      if (!skip_bad) throw;
    }
  }
  throw DataError(train.folder.string() + ": has no image that can be decoded");
}

StoreInfo folder_info(const fs::path& dir, const Listing& train, const FolderOptions& options) {
  StoreInfo info;
  info.classes = train.classes;
  info.image_size = options.size;
  info.channels = options.channels;
  info.source = "folder " + fs::weakly_canonical(dir).filename().string();
  info.label_rule = "folder name";
  if (info.image_size > 0 && info.channels > 0) return info;
  const Image first = first_readable(train, options.common.skip_bad);
  if (info.image_size == 0) info.image_size = first.width;
  if (info.channels == 0) info.channels = first.channels;
  return info;
}

std::array<Listing, 3> list_all(const fs::path& dir) {
  Listing train = list_split(dir, "train", {});
  if (train.images.files.empty()) throw DataError(dir.string() + ": has no train/{class}/*.{png,jpg,jpeg}");
  Listing val = list_split(dir, "val", train.classes), test = list_split(dir, "test", train.classes);
  const fs::path groups = dir / "groups.csv";
  if (fs::exists(groups)) read_group_table(groups, std::array{&train.images, &val.images, &test.images});
  return {std::move(train), std::move(val), std::move(test)};
}

void note_others(const Listing& listing, ImportReport& report) {
  if (listing.others == 0) return;
  report.notes.push_back(listing.folder.string() + ": passed over " + std::to_string(listing.others) +
                         " files that are not {class}/*.{png,jpg,jpeg}");
}

}  // namespace

ImportReport import_folder(const fs::path& dir, const fs::path& out, const FolderOptions& options) {
  if (!fs::is_directory(dir)) throw DataError(dir.string() + ": no such folder");
  const auto listings = list_all(dir);
  const StoreInfo info = folder_info(dir, listings.front(), options);
  StoreWriter writer(out, info);
  ImportReport report;
  for (const Listing& listing : listings) {
    const std::string why_none = listing.folder.empty() ? (dir / listing.images.split).string() + " is missing"
                                                        : listing.folder.string() + " has no image";
    const FitImage fit = fit_to(info, listing.images, options.size > 0, "the first image says");
    note_others(listing, report);
    import_listed(listing.images, fit, options.common, why_none, writer, info, report);
  }
  writer.commit();
  return report;
}

}  // namespace penumbra::data
