#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/store/load_split.h"
#include "data/store/reader.h"
#include "data/store/writer.h"

namespace penumbra::data::testing {

/// A folder of its own for one test, removed afterwards.
class Folder {
 public:
  Folder() {
    std::string name = ::testing::TempDir() + "penumbra-store-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) found.push_back(entry.path().filename());
    return found;
  }

 private:
  std::filesystem::path path_;
};

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  // A file system flushes what is truncated and written again; a new file is quicker.
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

/// What work() complains of as a DataError; "" when it does not.
template <typename Work>
std::string complaint(Work work) {
  try {
    work();
  } catch (const DataError& error) {
    return error.what();
  }
  return {};
}

/// Three classes, five vote columns; every value is a function of its place.
inline SampleSet small_set(int samples, int size = 6, int channels = 1) {
  SampleSet set;
  std::vector<std::uint8_t> pixels;
  set.info = {{"calm", "glad", "böse"}, {"calm", "glad", "böse", "unknown", "NF"}, size, channels, "test", "argmax"};
  for (int i = 0; i < samples; ++i) {
    for (std::size_t k = 0; k < set.image_bytes(); ++k)
      pixels.push_back(static_cast<std::uint8_t>(31 * i + 7 * static_cast<int>(k)));
    set.labels.push_back(i % 3);
    for (int v = 0; v < 5; ++v) set.votes.push_back(static_cast<float>(v == i % 3 ? 6 : v == 3 ? 4 : 0));
    for (int c = 0; c < 3; ++c) set.distribution.push_back(c == i % 3 ? 0.5f : 0.25f);
    set.ids.push_back("faces/é " + std::to_string(i) + ".png");
  }
  set.pixels = std::move(pixels);
  return set;
}

/// Two columns; of every third sample the gender is unknown, and each two neighbours are one subject.
inline std::vector<GroupColumn> small_groups(int samples) {
  std::vector<GroupColumn> groups = {{"subject", {}, {}}, {"gender", {"male", "female"}, {}}};
  for (int i = 0; i < samples; ++i) {
    if (i % 2 == 0) groups[0].values.push_back("José " + std::to_string(i / 2));
    groups[0].codes.push_back(i / 2);
    groups[1].codes.push_back(i % 3 - 1);
  }
  return groups;
}

/// Recipes at the ends of their ranges; neighbours are partners.
inline StoredVariant small_variant(const SampleSet& set, int view_size, std::int64_t epoch) {
  StoredVariant variant;
  std::vector<std::uint8_t> pixels;
  variant.view_size = view_size;
  variant.label_fingerprint = label_fingerprint(set.labels);
  variant.seed = 0xfedcba9876543210;
  variant.epoch = epoch;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    Recipe recipe;
    recipe.source = i;
    recipe.partner = (i ^ 1) < set.size() ? i ^ 1 : i;
    recipe.mix = recipe.partner == i ? Mix::none : i % 4 < 2 ? Mix::mixup : Mix::cutmix;
    if (recipe.mix == Mix::mixup) recipe.lambda = 0.5f + 0.005f * static_cast<float>(i);
    if (recipe.mix == Mix::cutmix) {
      recipe.box = {0, 1, 3, 3};
      recipe.lambda = static_cast<float>(1 - 6.0 / (set.info.image_size * set.info.image_size));
    }
    recipe.theta.m = {1, 0.125f, -0.5f, 0.25f, -1, static_cast<float>(i)};
    recipe.contrast = 0.75f;
    recipe.brightness = -0.25f;
    recipe.saturation = 1.25f;
    recipe.grey = i % 2 == 1;
    recipe.erase = {1, 0, view_size, 2};
    recipe.erase_epoch = static_cast<std::uint32_t>(epoch);
    recipe.seed = variant.seed;
    recipe.occurrence = static_cast<std::uint32_t>(i);
    variant.recipes.push_back(recipe);
    for (int k = 0; k < view_size * view_size * set.info.channels; ++k)
      pixels.push_back(static_cast<std::uint8_t>(i + k + epoch));
  }
  variant.pixels = std::move(pixels);
  return variant;
}

/// A store of one variant and no split.
inline void write_part(const std::filesystem::path& path, const SampleSet& set, const StoredVariant& variant) {
  StoreWriter writer(path, set.info);
  writer.write_variant(variant);
  writer.commit();
}

/// A store with all that a store can hold: 70 + 5 samples, groups of the 70, two variants.
inline void write_small_store(const std::filesystem::path& path) {
  SampleSet train = small_set(70);
  const SampleSet val = small_set(5);
  train.groups = small_groups(70);
  StoreWriter writer(path, train.info);
  writer.write_split("train", train);
  writer.write_split("val", val);
  writer.write_variant(small_variant(train, 6, 0));
  writer.write_variant(small_variant(train, 8, 1));
  writer.commit();
}

}  // namespace penumbra::data::testing
