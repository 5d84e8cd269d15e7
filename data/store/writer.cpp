#include "data/store/writer.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "data/error.h"
#include "data/store/checks.h"
#include "data/store/hdf5_output.h"
#include "data/store/recipe_columns.h"
#include "data/store/schema.h"

namespace penumbra::data {
namespace {

bool same(const StoreInfo& a, const StoreInfo& b) {
  return a.classes == b.classes && a.vote_columns == b.vote_columns && a.image_size == b.image_size &&
         a.channels == b.channels && a.source == b.source && a.label_rule == b.label_rule;
}

void write_info(Hdf5Output& output, const StoreInfo& info) {
  output.write_attribute("/", "format", std::string(kFormat));
  output.write_attribute("/", "classes", info.classes);
  output.write_attribute("/", "vote_columns", info.vote_columns);
  output.write_attribute("/", "image_size", std::int64_t{info.image_size});
  output.write_attribute("/", "channels", std::int64_t{info.channels});
  output.write_attribute("/", "source", info.source);
  output.write_attribute("/", "label_rule", info.label_rule);
  output.add_group("original");
}

/// The order of the columns is that of their names in the attribute.
void write_groups(Hdf5Output& output, const std::string& group, const std::vector<GroupColumn>& groups) {
  output.add_group(group);
  std::vector<std::string> names;
  for (const GroupColumn& column : groups) names.push_back(column.name);
  output.write_attribute(group, "names", names);
  for (const GroupColumn& column : groups) {
    const std::string path = group + "/" + column.name;
    output.add_group(path);
    output.write<std::int32_t>(path + "/codes", column.codes, {column.codes.size()});
    output.write_strings(path + "/values", column.values);
  }
}

RowSource rows_from(const Images& images, std::size_t row_bytes) {
  return [&images, row_bytes](std::int64_t first, std::int64_t count, std::uint8_t* out) {
    images.read(first, count, row_bytes, out);
  };
}

/// As they are, one after the other, and where each ends.
void write_jpegs(Hdf5Output& output, const std::string& group, const Images& images, std::int64_t rows) {
  std::vector<std::uint64_t> ends;
  for (std::int64_t row = 0; row < rows; ++row)
    ends.push_back((ends.empty() ? 0 : ends.back()) + images.jpeg_bytes(row));
  std::int64_t next = 0;
  output.write_bytes(group + "jpeg", ends.back(), [&] { return images.jpeg(next++); });
  output.write<std::uint64_t>(group + "jpeg_ends", ends, {ends.size()});
}

}  // namespace

struct StoreWriter::File {
  File(std::filesystem::path path, StoreInfo stored) : output(std::move(path)), info(std::move(stored)) {}
  std::string where(const std::string& part) const { return output.path().string() + ": " + part; }
  Hdf5Output output;
  StoreInfo info;
  std::set<std::string> splits;
  std::int64_t training_rows = 0;
  int variants = 0;
  std::int64_t version = kFormatVersion;
};

StoreWriter::StoreWriter(std::filesystem::path path, StoreInfo info) {
  check_info(info, path.string());
  file_ = std::make_unique<File>(std::move(path), std::move(info));
  write_info(file_->output, file_->info);
}

StoreWriter::~StoreWriter() = default;

void StoreWriter::write_split(const std::string& split, const SampleSet& set) {
  if (std::find(kSplits.begin(), kSplits.end(), split) == kSplits.end() || !file_->splits.insert(split).second)
    throw std::invalid_argument("a store has each of train, val and test at most once, not also " + split);
  if (!same(set.info, file_->info))
    throw std::invalid_argument("split " + split + " is of another kind than its store");
  if (set.size() == 0) return;
  check_samples(set, file_->where("split " + split));
  const std::string group = split_path(split) + "/";
  const auto rows = static_cast<std::uint64_t>(set.size());
  const auto side = static_cast<std::uint64_t>(set.info.image_size);
  Hdf5Output& output = file_->output;
  output.add_group(split_path(split));
  if (set.pixels.jpeg()) {
    write_jpegs(output, group, set.pixels, set.size());
    file_->version = kJpegVersion;
  } else {
    output.write_images(group + "images", rows_from(set.pixels, set.image_bytes()),
                        {rows, side, side, static_cast<std::uint64_t>(set.info.channels)}, kImagesPerChunk);
  }
  output.write<std::int32_t>(group + "labels", set.labels, {rows});
  if (!set.votes.empty()) output.write<float>(group + "votes", set.votes, {rows, set.info.vote_columns.size()});
  if (!set.distribution.empty())
    output.write<float>(group + "distribution", set.distribution, {rows, set.info.classes.size()});
  output.write_strings(group + "ids", set.ids);
  if (!set.clean_labels.empty()) output.write<std::int32_t>(group + "clean_labels", set.clean_labels, {rows});
  if (!set.groups.empty()) write_groups(output, groups_path(split), set.groups);
  if (split == "train") file_->training_rows = set.size();
}

void StoreWriter::write_variant(const StoredVariant& variant) {
  write_variant(variant, rows_from(variant.pixels, variant.image_bytes(file_->info.channels)));
}

void StoreWriter::write_variant(const StoredVariant& variant, const RowSource& images) {
  Hdf5Output& output = file_->output;
  const std::string group = variant_path(file_->variants);
  const std::uint64_t rows = variant.recipes.size(), side = static_cast<std::uint64_t>(variant.view_size);
  const bool alone = !file_->splits.contains("train");
  check_variant(variant, file_->info, alone ? static_cast<std::int64_t>(rows) : file_->training_rows,
                file_->where(group));
  if (file_->variants++ == 0) output.add_group("ambiguous");
  output.add_group(group);
  output.write_images(group + "/images", images, {rows, side, side, static_cast<std::uint64_t>(file_->info.channels)},
                      kImagesPerChunk);
  const RecipeColumns columns = to_columns(variant.recipes);
  for_each_column(columns, [&](const std::string& column, const auto& values, Shape row) {
    using Value = typename std::decay_t<decltype(values)>::value_type;
    row.insert(row.begin(), rows);
    output.write<Value>(group + "/" + column, values, row);
  });
  output.write_attribute(group, "label_fingerprint", variant.label_fingerprint);
  if (alone) output.write_attribute(group, "training_rows", static_cast<std::int64_t>(rows));
  output.write_attribute(group, "seed", variant.seed);
  output.write_attribute(group, "epoch", variant.epoch);
}

void StoreWriter::commit() {
  file_->output.write_attribute("/", "version", file_->version);
  file_->output.commit();
}

}  // namespace penumbra::data
