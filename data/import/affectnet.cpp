#include "data/import/affectnet.h"

#include <algorithm>
#include <array>

#include "data/error.h"
#include "data/import/csv.h"
#include "data/import/face_box.h"
#include "data/import/listed_images.h"
#include "data/import/npy.h"
#include "data/import/word_lines.h"
#include "data/store/split_ids.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 8> kClasses = {"neutral", "happiness", "sadness", "surprise",
                                                 "fear",    "disgust",   "anger",   "contempt"};
constexpr int kLastLabel = 10;
constexpr int kFarthest = 1'000'000;  ///< that a box may be from an image's corner, in pixels
constexpr const char *kImageEnding = ".jpg", *kLabelEnding = "_exp.npy";

/// The faces of one split before they are read.
struct AffectnetFaces {
  ListedImages images;
  fs::path source;                  ///< what lists them: a table or a folder
  std::vector<FaceBox> boxes;       ///< [N]; empty: the images are faces
  std::vector<std::int64_t> lines;  ///< [N], of the boxes in the table
};
using AffectnetSplits = std::array<AffectnetFaces, 2>;

AffectnetFaces none_of(const std::string& split, const fs::path& source) {
  return {{split, {}, {}, {}, {}, {}, 0}, source, {}, {}};
}

void add(const fs::path& file, int label, const std::string& id, AffectnetFaces& faces) {
  faces.images.files.push_back(file);
  faces.images.labels.push_back(label);
  faces.images.ids.push_back(id);
}

bool stays_below(const fs::path& path) {
  return path.has_filename() && path.is_relative() && std::find(path.begin(), path.end(), "..") == path.end();
}

FaceBox box_of(const CsvReader& csv, const CsvRow& row, const std::array<std::size_t, 4>& columns) {
  const auto value = [&](std::size_t i) { return csv.integer(row, columns[i], -kFarthest, kFarthest); };
  const FaceBox box{value(0), value(1), value(2), value(3)};
  if (box.width <= 0 || box.height <= 0) csv.fail(row.line, "the face's box is empty; mend or remove the row");
  return box;
}

AffectnetFaces read_table(const fs::path& table, const fs::path& images, const std::string& split, int classes) {
  AffectnetFaces faces = none_of(split, table);
  if (!fs::exists(table)) return faces;
  CsvReader csv(table);
  const std::size_t path = csv.column("subDirectory_filePath"), expression = csv.column("expression");
  const std::array<std::size_t, 4> box = {csv.column("face_x"), csv.column("face_y"), csv.column("face_width"),
                                          csv.column("face_height")};
  for (CsvRow row; csv.next(row);) {
    const int label = csv.integer(row, expression, 0, kLastLabel);
    if (label >= classes) {
      ++faces.images.dropped_by_rule;
      continue;
    }
    const std::string& name = row.fields[path];
    if (!stays_below(name)) csv.fail(row.line, "\"" + name + "\" is no path below " + images.string());
    faces.boxes.push_back(box_of(csv, row, box));
    faces.lines.push_back(row.line);
    add(images / name, label, name, faces);
  }
  return faces;
}

/// What the names of files in a folder have before `ending`, sorted.
std::vector<std::string> names_before(std::string_view ending, const fs::path& folder) {
  if (!fs::is_directory(folder)) throw DataError(folder.string() + ": no such folder");
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.') && name.ends_with(ending)) names.push_back(name.substr(0, name.size() - ending.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

void check_labels(const fs::path& images, const std::vector<std::string>& labelled) {
  for (const std::string& id : names_before(kImageEnding, images)) {
    if (!std::binary_search(labelled.begin(), labelled.end(), id))
      throw DataError((images / (id + kImageEnding)).string() + ": has no annotations/" + id + kLabelEnding);
  }
}

AffectnetFaces read_set(const fs::path& dir, const std::string& split, int classes) {
  const std::string set = split + "_set";
  AffectnetFaces faces = none_of(split, dir / set);
  if (!fs::exists(dir / set)) return faces;
  const fs::path images = dir / set / "images", annotations = dir / set / "annotations";
  const std::vector<std::string> labelled = names_before(kLabelEnding, annotations);
  check_labels(images, labelled);
  for (const std::string& id : labelled) {
    const int label = read_npy_integer(annotations / (id + kLabelEnding), 0, kLastLabel);
    if (label >= classes) {
      ++faces.images.dropped_by_rule;
    } else {
      add(images / (id + kImageEnding), label, set + "/" + id, faces);
    }
  }
  return faces;
}

AffectnetSplits read_lists(const fs::path& dir, int classes) {
  const fs::path folder = dir / "Manually_Annotated_file_lists", lists = fs::exists(folder) ? folder : dir;
  const fs::path images = dir / "Manually_Annotated_Images";
  const bool has_tables = fs::exists(lists / "training.csv") || fs::exists(lists / "validation.csv");
  const bool has_sets = fs::exists(dir / "train_set") || fs::exists(dir / "val_set");
  if (has_tables && has_sets)
    throw DataError(dir.string() + ": has both {training,validation}.csv and {train,val}_set/; keep one");
  if (has_tables) {
    if (!fs::is_directory(images)) throw DataError(images.string() + ": no such folder");
    return {read_table(lists / "training.csv", images, "train", classes),
            read_table(lists / "validation.csv", images, "val", classes)};
  }
  if (!has_sets) throw DataError(dir.string() + ": has neither {training,validation}.csv nor {train,val}_set/");
  return {read_set(dir, "train", classes), read_set(dir, "val", classes)};
}

Image face_of(const AffectnetFaces& faces, const Image& image, std::size_t index) {
  if (faces.boxes.empty()) return image;
  std::optional<Image> face = crop_face(image, faces.boxes[index]);
  if (!face) {
    fail_at(faces.source, faces.lines[index],
            "the face's box lies outside " + faces.images.files[index].string() + ", which is " +
                std::to_string(image.width) + "x" + std::to_string(image.height) + " pixels; mend or remove the row");
  }
  return *std::move(face);
}

/// `faces` must outlive it.
FitImage fit_faces(const AffectnetFaces& faces, const StoreInfo& info) {
  return [side = info.image_size, channels = info.channels, &faces](const Image& image, std::size_t index) {
    return to_channels(resize(face_of(faces, image, index), side), channels);
  };
}

StoreInfo affectnet_info(const AffectnetOptions& options) {
  StoreInfo info;
  info.classes.assign(kClasses.begin(), kClasses.begin() + options.classes);
  info.image_size = options.size;
  info.channels = options.channels;
  info.source = "AffectNet";
  info.label_rule = "given";
  return info;
}

}  // namespace

ImportReport import_affectnet(const fs::path& dir, const fs::path& out, const AffectnetOptions& options) {
  if (!fs::is_directory(dir)) throw DataError(dir.string() + ": no such folder");
  const AffectnetSplits splits = read_lists(dir, options.classes);
  SplitIds ids;
  for (const AffectnetFaces& faces : splits) ids.add(faces.images.split, faces.images.ids, dir.string());
  const StoreInfo info = affectnet_info(options);
  StoreWriter writer(out, info);
  ImportReport report;
  for (const AffectnetFaces& faces : splits) {
    const std::string why_none =
        faces.source.string() + (fs::exists(faces.source) ? " lists no usable face" : " is missing");
    import_listed(faces.images, fit_faces(faces, info), options.common, why_none, writer, info, report);
  }
  if (report.splits.empty()) throw DataError(dir.string() + ": has no usable face of the classes");
  writer.commit();
  return report;
}

}  // namespace penumbra::data
