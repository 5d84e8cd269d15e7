#include "data/store/reader.h"

#include <algorithm>

#include "data/error.h"
#include "data/store/checks.h"
#include "data/store/hdf5_input.h"
#include "data/store/jpeg_rows.h"
#include "data/store/recipe_columns.h"
#include "data/store/schema.h"

namespace penumbra::data {
namespace {

void check_format(const Hdf5Input& input) {
  if (!input.has_attribute("/", "format") || input.text_attribute("/", "format") != kFormat)
    input.fail("is HDF5 but not a Penumbra store; make one with `penumbra data import` or `penumbra data synth`");
  const auto version = input.attribute<std::int64_t>("/", "version");
  if (version == kFormatVersion || version == kJpegVersion) return;
  const bool older = version < kFormatVersion;
  input.fail("is a store of version " + std::to_string(version) + ", this program reads versions " +
             std::to_string(kFormatVersion) + " and " + std::to_string(kJpegVersion) + "; " +
             (older ? "make it again from its source" : "use the newer program that made it"));
}

StoreInfo read_info(const Hdf5Input& input) {
  StoreInfo info;
  info.classes = input.texts_attribute("/", "classes");
  info.vote_columns = input.texts_attribute("/", "vote_columns");
  const auto size = input.attribute<std::int64_t>("/", "image_size");
  const auto channels = input.attribute<std::int64_t>("/", "channels");
  // Out of the int's range is out of check_info's, too.
  info.image_size = size < 0 || size > 1'000'000 ? -1 : static_cast<int>(size);
  info.channels = channels < 0 || channels > 1'000'000 ? -1 : static_cast<int>(channels);
  info.source = input.text_attribute("/", "source");
  info.label_rule = input.text_attribute("/", "label_rule");
  check_info(info, input.path().string());
  return info;
}

/// Rows of a dataset; DataError when it has no rows.
std::uint64_t rows_of(const Hdf5Input& input, const std::string& dataset) {
  const Shape shape = input.shape(dataset);
  if (shape.empty()) input.fail(dataset + " is a single value, not a table");
  return shape.front();
}

std::vector<GroupColumn> read_groups(const Hdf5Input& input, const std::string& group, std::uint64_t rows) {
  const auto names = input.texts_attribute(group, "names");
  check_group_names(names, input.path().string() + ": " + group);
  std::vector<GroupColumn> groups;
  for (const std::string& name : names) {
    const std::string path = group + "/" + name;
    const std::uint64_t values = rows_of(input, path + "/values");
    if (values == 0) input.fail(path + " has no values");
    groups.push_back(
        {name, input.read_strings(path + "/values", values), input.read<std::int32_t>(path + "/codes", {rows})});
  }
  return groups;
}

}  // namespace

struct StoreReader::File {
  explicit File(std::filesystem::path path) : input(std::move(path)) {
    check_format(input);
    info = read_info(input);
    while (input.has(variant_path(variants))) ++variants;
  }
  SampleSet load(const std::string& split, bool stay_in_file) const;
  StoredVariant variant(int number, bool stay_in_file) const;
  Images images(const std::string& group, const Shape& shape, bool stay_in_file) const;
  Images jpegs(const std::string& group, const Shape& shape) const;
  Hdf5Input input;
  StoreInfo info;
  int variants = 0;
};

StoreReader::StoreReader(std::filesystem::path path) : file_(std::make_unique<File>(std::move(path))) {}
StoreReader::~StoreReader() = default;
StoreReader::StoreReader(StoreReader&&) noexcept = default;
StoreReader& StoreReader::operator=(StoreReader&&) noexcept = default;

const StoreInfo& StoreReader::info() const { return file_->info; }

bool StoreReader::has(const std::string& split) const { return file_->input.has(split_path(split)); }

std::vector<std::string> StoreReader::splits() const {
  std::vector<std::string> found;
  for (const char* split : kSplits) {
    if (has(split)) found.emplace_back(split);
  }
  return found;
}

SampleSet StoreReader::load(const std::string& split) const { return file_->load(split, /*stay_in_file=*/false); }
SampleSet StoreReader::open(const std::string& split) const { return file_->load(split, /*stay_in_file=*/true); }

/// Of a split or a variant: raw in `images`, or as JPEGs in `jpeg` with the end of each in `jpeg_ends`.
Images StoreReader::File::images(const std::string& group, const Shape& shape, bool stay_in_file) const {
  if (input.has(group + "/jpeg")) {
    const Images images = jpegs(group, shape);
    return stay_in_file ? images : images.in_memory();
  }
  const auto extents = stay_in_file ? input.row_extents(group + "/images", shape) : std::nullopt;
  if (!extents) return input.read<std::uint8_t>(group + "/images", shape);
  return Images({std::make_shared<const RawRows>(std::make_shared<const OpenFile>(input.path()), *extents)});
}

Images StoreReader::File::jpegs(const std::string& group, const Shape& shape) const {
  const std::string dataset = group + "/jpeg";
  const Shape bytes = input.shape(dataset);
  const auto ends = input.read<std::uint64_t>(group + "/jpeg_ends", {shape.front()});
  const auto extents = bytes.size() == 1 ? input.row_extents(dataset, bytes) : std::nullopt;
  if (!extents || extents->offsets.size() != 1) input.fail(dataset + " is not one run of bytes");
  std::vector<JpegRows::Place> places;
  std::uint64_t begin = 0;
  for (const std::uint64_t end : ends) {
    if (end <= begin || end > bytes.front()) input.fail(dataset + ": its ends do not rise to its size");
    places.push_back({extents->offset_of(begin), end - begin});
    begin = end;
  }
  return Images({std::make_shared<const JpegRows>(std::make_shared<const OpenFile>(input.path()), std::move(places),
                                                  ImageKind{static_cast<int>(shape[1]), static_cast<int>(shape[3])})});
}

SampleSet StoreReader::File::load(const std::string& split, bool stay_in_file) const {
  const std::string group = split_path(split) + "/";
  if (!input.has(split_path(split))) input.fail("has no split " + split);
  SampleSet set;
  set.info = info;
  const std::uint64_t rows = rows_of(input, group + (input.has(group + "jpeg") ? "labels" : "images"));
  const auto side = static_cast<std::uint64_t>(set.info.image_size);
  set.pixels =
      images(split_path(split), {rows, side, side, static_cast<std::uint64_t>(set.info.channels)}, stay_in_file);
  set.labels = input.read<std::int32_t>(group + "labels", {rows});
  if (!set.info.vote_columns.empty())
    set.votes = input.read<float>(group + "votes", {rows, set.info.vote_columns.size()});
  if (input.has(group + "distribution"))
    set.distribution = input.read<float>(group + "distribution", {rows, set.info.classes.size()});
  set.ids = input.read_strings(group + "ids", rows);
  if (input.has(group + "clean_labels")) set.clean_labels = input.read<std::int32_t>(group + "clean_labels", {rows});
  if (input.has(groups_path(split))) set.groups = read_groups(input, groups_path(split), rows);
  check_samples(set, input.path().string() + ": split " + split);
  return set;
}

int StoreReader::variants() const { return file_->variants; }

StoredVariant StoreReader::load_variant(int variant) const { return file_->variant(variant, /*stay_in_file=*/false); }
StoredVariant StoreReader::open_variant(int variant) const { return file_->variant(variant, /*stay_in_file=*/true); }

StoredVariant StoreReader::File::variant(int number, bool stay_in_file) const {
  const std::string name = variant_path(number), train = split_path("train");
  if (number < 0 || number >= variants) input.fail("has no " + name);
  const std::uint64_t rows = input.has(train)
                                 ? rows_of(input, train + "/labels")
                                 : static_cast<std::uint64_t>(input.attribute<std::int64_t>(name, "training_rows"));
  const Shape shape = input.shape(name + "/images");
  const std::uint64_t side = shape.size() == 4 ? shape[1] : 0;
  StoredVariant result;
  result.view_size =
      static_cast<int>(std::min<std::uint64_t>(side, 1u << 20));  // beyond it is out of check_variant's range
  result.pixels = images(name, {rows, side, side, static_cast<std::uint64_t>(info.channels)}, stay_in_file);
  RecipeColumns columns;
  for_each_column(columns, [&](const std::string& column, auto& values, Shape row) {
    using Value = typename std::decay_t<decltype(values)>::value_type;
    row.insert(row.begin(), rows);
    values = input.read<Value>(name + "/" + column, row);
  });
  result.recipes = to_recipes(columns);
  result.label_fingerprint = input.attribute<std::uint64_t>(name, "label_fingerprint");
  result.seed = input.attribute<std::uint64_t>(name, "seed");
  result.epoch = input.attribute<std::int64_t>(name, "epoch");
  check_variant(result, info, static_cast<std::int64_t>(rows), input.path().string() + ": " + name);
  return result;
}

}  // namespace penumbra::data
