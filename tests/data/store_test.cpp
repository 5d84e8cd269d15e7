#include <gmock/gmock.h>

#include "data/store/hash.h"
#include "store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

void expect_same(const SampleSet& a, const SampleSet& b) {
  EXPECT_EQ(a.info.classes, b.info.classes);
  EXPECT_EQ(a.info.vote_columns, b.info.vote_columns);
  EXPECT_EQ(a.info.image_size, b.info.image_size);
  EXPECT_EQ(a.info.channels, b.info.channels);
  EXPECT_EQ(a.info.source, b.info.source);
  EXPECT_EQ(a.info.label_rule, b.info.label_rule);
  EXPECT_EQ(a.pixels, b.pixels);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.votes, b.votes);
  EXPECT_EQ(a.distribution, b.distribution);
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.clean_labels, b.clean_labels);
  EXPECT_EQ(a.groups, b.groups);
}

void expect_same(const StoredVariant& a, const StoredVariant& b) {
  EXPECT_EQ(a.pixels, b.pixels);
  EXPECT_EQ(a.view_size, b.view_size);
  EXPECT_EQ(a.label_fingerprint, b.label_fingerprint);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.recipes, b.recipes);
}

std::string refusal(const SampleSet& set) {
  const Folder folder;
  return complaint([&] {
    StoreWriter writer(folder / "x.h5", set.info);
    writer.write_split("train", set);
  });
}

TEST(Store, GivesBackWhatWasWritten) {
  const Folder folder;
  for (const int samples : {1, 31, 32, 33, 97}) {
    for (const int channels : {1, 3}) {
      const SampleSet set = small_set(samples, 5, channels);
      StoreWriter writer(folder / "x.h5", set.info);
      writer.write_split("test", set);
      writer.commit();
      const StoreReader reader(folder / "x.h5");
      EXPECT_THAT(reader.splits(), ElementsAre("test"));
      EXPECT_EQ(reader.variants(), 0);
      expect_same(reader.load("test"), set);
    }
  }
}

TEST(Store, GivesBackSetsWithoutVotesAndDistribution) {
  const Folder folder;
  SampleSet set = small_set(3);
  set.info.vote_columns.clear();
  set.votes.clear();
  set.distribution.clear();
  StoreWriter writer(folder / "x.h5", set.info);
  writer.write_split("val", set);
  writer.commit();
  expect_same(StoreReader(folder / "x.h5").load("val"), set);
}

TEST(Store, GivesBackCleanLabels) {
  const Folder folder;
  SampleSet set = small_set(4);
  set.clean_labels = {0, 2, 2, 1};
  StoreWriter writer(folder / "x.h5", set.info);
  writer.write_split("train", set);
  writer.commit();
  expect_same(StoreReader(folder / "x.h5").load("train"), set);
}

TEST(Store, GivesBackGroupsInTheirOrder) {
  const Folder folder;
  SampleSet set = small_set(9), others = small_set(3);
  set.groups = small_groups(9);
  others.groups = {{"a name, with signs: #1", {"-1", " x ", std::string(70'000, 'y')}, {-1, -1, 2}}};
  StoreWriter writer(folder / "x.h5", set.info);
  writer.write_split("train", set);
  writer.write_split("val", others);
  writer.commit();
  const StoreReader reader(folder / "x.h5");
  expect_same(reader.load("train"), set);
  expect_same(reader.load("val"), others);
  EXPECT_EQ(reader.open("train").groups, set.groups);
  const std::uint64_t known = fingerprint(set);
  set.groups.clear();
  EXPECT_EQ(fingerprint(set), known);
}

TEST(Store, GivesBackAsManySubjectsAsThereAre) {
  const Folder folder;
  SampleSet set = small_set(100'000, 1);
  set.groups = small_groups(100'000);
  StoreWriter writer(folder / "x.h5", set.info);
  writer.write_split("train", set);
  writer.commit();
  EXPECT_EQ(StoreReader(folder / "x.h5").load("train").groups, set.groups);
}

TEST(Store, GroupsThatMakeNoSenseAreRefused) {
  const auto refused = [](std::vector<GroupColumn> groups) {
    SampleSet set = small_set(2);
    set.groups = std::move(groups);
    return refusal(set);
  };
  const std::string where = "x.h5: split train: group column ";
  EXPECT_EQ(refused({{"gender", {"male"}, {0, -1}}}), "");
  EXPECT_THAT(refused({{"gender", {"male"}, {0}}}), HasSubstr(where + "gender: 1 codes, expected 2"));
  for (const std::int32_t code : {-2, 1})
    EXPECT_THAT(refused({{"gender", {"male"}, {0, code}}}),
                HasSubstr(where + "gender: the code of row 1 is " + std::to_string(code) + ", allowed are -1"));
  EXPECT_THAT(refused({{"gender", {}, {-1, -1}}}), HasSubstr(where + "gender: has no values"));
  EXPECT_THAT(refused({{"gender", {"m", "m"}, {0, 1}}}), HasSubstr(where + "gender: the value m is there twice"));
  for (const char* value :
       {"", "a\nb", "\x7f", "\xc2\x85", "\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80"})
    EXPECT_THAT(refused({{"gender", {"m", value}, {0, 1}}}), HasSubstr(where + "gender: value 1 is empty or no plain"));
  for (const std::string& name :
       {std::string(), std::string("a/b"), std::string("."), std::string("a\tb"), std::string(256, 'a')})
    EXPECT_THAT(refused({{name, {"m"}, {0, 0}}}), HasSubstr("the name of group column 0 is empty, too long or"));
  EXPECT_THAT(refused({{"age", {"m"}, {0, 0}}, {"age", {"m"}, {0, 0}}}), HasSubstr("two group columns have the same"));
  std::vector<GroupColumn> many;
  for (int k = 0; k < 65; ++k) many.push_back({std::to_string(k), {"m"}, {0, 0}});
  EXPECT_THAT(refused(many), HasSubstr("65 group columns, at most 64 are allowed"));
  many.pop_back();
  EXPECT_EQ(refused(many), "");
}

TEST(Store, FingerprintIsThatOfTheManual) {
  SampleSet set = small_set(70);
  Hash hash;
  const std::string names("calm\0glad\0böse\0", 16);
  hash.add(std::span<const char>(names));
  hash.add(std::span<const std::uint8_t>(set.pixels.bytes()));
  hash.add(std::span<const std::int32_t>(set.labels));
  hash.add(std::span<const float>(set.votes));
  EXPECT_EQ(fingerprint(set), hash.digest());
  set.clean_labels = set.labels;
  hash.add(std::span<const std::int32_t>(set.labels));
  EXPECT_EQ(fingerprint(set), hash.digest());
}

TEST(Store, HasNoSplitOfAnEmptySet) {
  const Folder folder;
  StoreWriter writer(folder / "x.h5", small_set(2).info);
  writer.write_split("train", small_set(2));
  writer.write_split("val", small_set(0));
  writer.commit();
  const StoreReader reader(folder / "x.h5");
  EXPECT_THAT(reader.splits(), ElementsAre("train"));
  EXPECT_THAT(complaint([&] { reader.load("val"); }), HasSubstr("no split val"));
}

TEST(Store, GivesBackVariants) {
  const Folder folder;
  write_small_store(folder / "x.h5");
  const StoreReader reader(folder / "x.h5");
  ASSERT_EQ(reader.variants(), 2);
  expect_same(reader.load_variant(0), small_variant(small_set(70), 6, 0));
  StoredVariant opened = reader.open_variant(0);
  EXPECT_FALSE(opened.pixels.resident());
  opened.pixels = opened.pixels.in_memory();
  expect_same(opened, small_variant(small_set(70), 6, 0));
  expect_same(reader.load_variant(1), small_variant(small_set(70), 8, 1));
  EXPECT_THAT(complaint([&] { reader.load_variant(2); }), HasSubstr("variant-2"));
}

TEST(Store, WriteVariantsReplacesThemAndKeepsTheRest) {
  const Folder folder;
  write_small_store(folder / "x.h5");
  SampleSet train = small_set(70);
  train.groups = small_groups(70);
  write_part(folder / "part.h5", train, small_variant(train, 7, 5));
  write_variants(folder / "x.h5", {folder / "part.h5"});
  const StoreReader reader(folder / "x.h5");
  ASSERT_EQ(reader.variants(), 1);
  expect_same(reader.load_variant(0), small_variant(train, 7, 5));
  expect_same(reader.load("train"), train);
  expect_same(reader.load("val"), small_set(5));
  const auto size = std::filesystem::file_size(folder / "x.h5");
  write_variants(folder / "x.h5", {folder / "part.h5"});
  EXPECT_EQ(std::filesystem::file_size(folder / "x.h5"), size);
  write_variants(folder / "x.h5", {});
  EXPECT_EQ(StoreReader(folder / "x.h5").variants(), 0);
  EXPECT_THAT(folder.names(), UnorderedElementsAre("part.h5", "x.h5"));
}

TEST(Store, SameSamplesGiveTheSameBytes) {
  const Folder folder;
  write_small_store(folder / "a.h5");
  write_small_store(folder / "b.h5");
  EXPECT_EQ(read_bytes(folder / "a.h5"), read_bytes(folder / "b.h5"));
}

TEST(Store, RefusesToWriteWhatNoReaderAccepts) {
  SampleSet set = small_set(4);
  EXPECT_EQ(refusal(set), "");
  set.labels[2] = 3;
  EXPECT_THAT(refusal(set), HasSubstr("label of row 2 is 3"));
  set = small_set(4);
  set.votes[5] = set.votes[6] = set.votes[7] = 0;
  EXPECT_THAT(refusal(set), HasSubstr("votes of row 1 sum to 0"));
  set = small_set(4);
  set.votes[19] = -1;
  EXPECT_THAT(refusal(set), HasSubstr("votes of row 3"));
  set = small_set(4);
  set.votes[0] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(refusal(set), HasSubstr("votes of row 0"));
  set = small_set(4);
  set.distribution[0] = 0.75f;
  EXPECT_THAT(refusal(set), HasSubstr("distribution of row 0 sums to 1.25"));
  set = small_set(4);
  set.pixels = std::vector<std::uint8_t>(143);
  EXPECT_THAT(refusal(set), HasSubstr("143 bytes of pixels, expected 144"));
  set = small_set(4);
  set.ids.pop_back();
  EXPECT_THAT(refusal(set), HasSubstr("3 ids, expected 4"));
  set = small_set(4);
  set.clean_labels = {0, 1, 2};
  EXPECT_THAT(refusal(set), HasSubstr("3 clean labels, expected 4"));
  set.clean_labels = {0, 1, 2, -1};
  EXPECT_THAT(refusal(set), HasSubstr("the clean label of row 3 is -1"));
  set = small_set(4);
  set.info.classes[1] = "calm";
  EXPECT_THAT(refusal(set), HasSubstr("class names"));
  set = small_set(4);
  set.info.vote_columns[0] = "other";
  EXPECT_THAT(refusal(set), HasSubstr("vote_columns"));
  set = small_set(4);
  set.info.channels = 2;
  EXPECT_THAT(refusal(set), HasSubstr("channels is 2"));
}

TEST(Store, RefusesRecipesOutOfRange) {
  const SampleSet set = small_set(8);
  const auto refused = [&](auto change) {
    const Folder folder;
    StoredVariant variant = small_variant(set, 6, 0);
    change(variant);
    return complaint([&] {
      StoreWriter writer(folder / "x.h5", set.info);
      writer.write_split("train", set);
      writer.write_variant(variant);
    });
  };
  EXPECT_EQ(refused([](StoredVariant&) {}), "");
  EXPECT_THAT(refused([](auto& v) { v.recipes[1].source = 2; }), HasSubstr("row 1: source"));
  EXPECT_THAT(refused([](auto& v) { v.recipes[1].partner = 8; }), HasSubstr("row 1: partner"));
  EXPECT_THAT(refused([](auto& v) { v.recipes[1].lambda = 0.4f; }), HasSubstr("row 1: lambda"));
  EXPECT_THAT(refused([](auto& v) { v.recipes[1].lambda = NAN; }), HasSubstr("row 1: lambda"));
  EXPECT_THAT(refused([](auto& v) { v.recipes[2].box.x1 = 7; }), HasSubstr("row 2: the cutmix box"));
  EXPECT_THAT(refused([](auto& v) { v.recipes[2].box.x1 = 4; }), HasSubstr("row 2: lambda"));
  EXPECT_THAT(refused([](auto& v) { v.recipes[3].theta.m = {1, 2, 0, 2, 4, 0}; }), HasSubstr("row 3: theta"));
  EXPECT_THAT(refused([](auto& v) { v.recipes[3].contrast = -1; }), HasSubstr("row 3: contrast"));
  EXPECT_THAT(refused([](auto& v) { v.recipes[3].brightness = 2; }), HasSubstr("row 3: brightness"));
  EXPECT_THAT(refused([](auto& v) { v.recipes[3].erase.y1 = 9; }), HasSubstr("row 3: the erased"));
  EXPECT_THAT(refused([](auto& v) { v.recipes.pop_back(); }), HasSubstr("7 recipes, expected 8"));
}

TEST(Store, NothingIsThereUntilCommit) {
  const Folder folder;
  write_bytes(folder / "x.h5", "older");
  {
    StoreWriter writer(folder / "x.h5", small_set(40).info);
    writer.write_split("train", small_set(40));
    EXPECT_EQ(read_bytes(folder / "x.h5"), "older");
  }
  EXPECT_THAT(folder.names(), ElementsAre("x.h5"));
  EXPECT_EQ(read_bytes(folder / "x.h5"), "older");
}

TEST(Store, TwoWritersOfOneTargetDoNotMeet) {
  const Folder folder;
  const SampleSet one = small_set(40), two = small_set(50);
  StoreWriter first(folder / "x.h5", one.info), second(folder / "x.h5", two.info);
  first.write_split("train", one);
  second.write_split("train", two);
  first.commit();
  expect_same(StoreReader(folder / "x.h5").load("train"), one);
  second.commit();
  expect_same(StoreReader(folder / "x.h5").load("train"), two);
  EXPECT_THAT(folder.names(), ElementsAre("x.h5"));
}

TEST(Store, SaysWhereItCannotWrite) {
  const Folder folder;
  EXPECT_THAT(complaint([&] { StoreWriter(folder / "none/x.h5", small_set(1).info); }),
              HasSubstr("none/x.h5: cannot be written: No such file or directory"));
  EXPECT_THAT(complaint([&] { StoreWriter(folder.path(), small_set(1).info); }), HasSubstr("folder"));
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(Store, LoadSplitConcatenatesInOrder) {
  const Folder folder;
  write_small_store(folder / "a.h5");
  SampleSet other = small_set(3);
  other.info.source = "elsewhere";
  StoreWriter writer(folder / "b.h5", other.info);
  writer.write_split("train", other);
  writer.commit();
  const std::vector<std::string> files = {folder / "b.h5", folder / "a.h5"};
  const SampleSet both = load_split(files, "train");
  ASSERT_EQ(both.size(), 73);
  const SampleSet train = small_set(70);
  for (std::int64_t i = 0; i < 73; ++i) {
    const SampleSet& part = i < 3 ? other : train;
    const std::int64_t row = i < 3 ? i : i - 3;
    EXPECT_TRUE(std::ranges::equal(both.image(i), part.image(row)));
    EXPECT_EQ(both.labels[i], part.labels[row]);
    EXPECT_EQ(both.ids[i], part.ids[row]);
  }
  EXPECT_EQ(both.votes.size(), 73u * 5);
  EXPECT_EQ(both.distribution.size(), 73u * 3);
  EXPECT_EQ(both.info.source, "elsewhere + test");
  EXPECT_EQ(load_split(files, "val").size(), 5);
  EXPECT_THAT(complaint([&] { load_split(files, "test"); }), HasSubstr("no split test"));
}

TEST(Store, LoadSplitRefusesStoresOfDifferentKinds) {
  const Folder folder;
  write_small_store(folder / "a.h5");
  const auto with = [&](auto change) {
    SampleSet set = small_set(2, 6);
    change(set);
    StoreWriter writer(folder / "b.h5", set.info);
    writer.write_split("val", set);
    writer.commit();
    const std::vector<std::string> files = {folder / "a.h5", folder / "b.h5"};
    return complaint([&] { load_split(files, "train"); });
  };
  EXPECT_EQ(with([](SampleSet&) {}), "");
  EXPECT_THAT(with([](SampleSet& set) { set = small_set(2, 7); }), HasSubstr("7 px"));
  EXPECT_THAT(with([](SampleSet& set) { set = small_set(2, 6, 3); }), HasSubstr("3 channels"));
  EXPECT_THAT(with([](SampleSet& set) { set.info.classes[0] = set.info.vote_columns[0] = "x"; }), HasSubstr("classes"));
}

}  // namespace
}  // namespace penumbra::data::testing
