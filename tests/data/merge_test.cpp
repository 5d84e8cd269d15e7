#include "data/tools/merge.h"

#include <gmock/gmock.h>

#include "tests/data/store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

SampleSet with_ids(const std::vector<std::string>& ids) {
  SampleSet set = small_set(static_cast<int>(ids.size()));
  set.ids = ids;
  return set;
}

TEST(TellIdsApart, OnlyIdsOfSeveralPartsChange) {
  std::vector<SampleSet> parts = {with_ids({"a", "b", "b"}), SampleSet(), with_ids({"c", "a"})};
  EXPECT_EQ(tell_ids_apart(parts), 2);
  EXPECT_THAT(parts[0].ids, ElementsAre("1/a", "b", "b"));
  EXPECT_THAT(parts[2].ids, ElementsAre("c", "3/a"));
}

class Merge : public ::testing::Test {
 protected:
  /// A store of the given splits.
  void write(const std::string& name, const std::vector<std::pair<std::string, SampleSet>>& splits) {
    StoreWriter writer(folder / name, splits.front().second.info);
    for (const auto& [split, set] : splits) writer.write_split(split, set);
    writer.commit();
    stores.push_back(folder / name);
  }

  const Folder folder;
  const std::filesystem::path out = folder / "out.h5";
  std::vector<std::string> stores;
};

TEST_F(Merge, EachSplitHasTheRowsOfAllStoresInTheirOrder) {
  SampleSet other = small_set(40);
  other.info.source = "elsewhere";
  write("a.h5", {{"train", small_set(70)}, {"val", with_ids({"v", "w"})}});
  write_part(out, small_set(70), small_variant(small_set(70), 6, 0));
  write_variants(stores[0], {out});
  write("b.h5", {{"train", other}});
  EXPECT_THAT(write_merged(stores, {}, out), ElementsAre(AllOf(HasSubstr("train: 110 faces"), HasSubstr("80 ids")),
                                                         "val: 2 faces", HasSubstr("variants")));
  const StoreReader reader(out);
  EXPECT_EQ(reader.info().source, "test + elsewhere");
  EXPECT_EQ(reader.variants(), 0);
  const SampleSet train = reader.load("train"), first = small_set(70);
  ASSERT_EQ(train.size(), 110);
  for (std::int64_t i = 0; i < train.size(); ++i) {
    const SampleSet& from = i < 70 ? first : other;
    const std::int64_t row = i < 70 ? i : i - 70;
    EXPECT_TRUE(std::ranges::equal(train.image(i), from.image(row)));
    EXPECT_EQ(train.labels[i], from.labels[row]);
    EXPECT_EQ(train.votes[5 * i], from.votes[5 * row]);
    EXPECT_EQ(train.ids[i], i < 40 ? "1/" + from.ids[row] : i < 70 ? from.ids[row] : "2/" + from.ids[row]);
  }
}

TEST_F(Merge, GroupsOfTheStoresAreMatchedByName) {
  SampleSet known = with_ids({"a", "b"});
  known.groups = {{"gender", {"male", "female"}, {1, -1}}};
  write("a.h5", {{"train", with_ids({"c"})}});
  write("b.h5", {{"train", known}, {"val", with_ids({"v"})}});
  write_merged(stores, {}, out);
  EXPECT_THAT(StoreReader(out).load("train").groups,
              ElementsAre(GroupColumn{"gender", {"male", "female"}, {-1, 1, -1}}));
  EXPECT_TRUE(StoreReader(out).load("val").groups.empty());
}

TEST_F(Merge, MayTakeThePlaceOfOneOfThem) {
  write("a.h5", {{"train", with_ids({"a"})}});
  write("b.h5", {{"test", with_ids({"b"})}});
  write_merged(stores, {}, stores[0]);
  EXPECT_THAT(StoreReader(stores[0]).splits(), ElementsAre("train", "test"));
}

TEST_F(Merge, AFaceInTwoSplitsIsRefusedAcrossStores) {
  write("a.h5", {{"train", with_ids({"x", "a"})}});
  write("b.h5", {{"train", with_ids({"x", "b"})}, {"val", with_ids({"a"})}});
  EXPECT_THAT(complaint([&] { write_merged(stores, {}, out); }), HasSubstr("b.h5: \"a\" is in train and in val"));
  EXPECT_THAT(folder.names(), Not(::testing::Contains("out.h5")));
}

TEST_F(Merge, AnIdThatIsGivenIsInOneSplitToo) {
  write("a.h5", {{"train", with_ids({"x"})}, {"val", with_ids({"1/x"})}});
  write("b.h5", {{"train", with_ids({"x"})}});
  EXPECT_THAT(complaint([&] { write_merged(stores, {}, out); }), HasSubstr("\"1/x\" is in train and in val"));
}

TEST_F(Merge, StoresOfTwoKindsAreNamed) {
  write("a.h5", {{"train", small_set(3)}});
  write("b.h5", {{"train", small_set(3, 8)}});
  EXPECT_THAT(complaint([&] { write_merged(stores, {}, out); }),
              AllOf(HasSubstr("b.h5: has images of 8 px"), HasSubstr("a.h5")));
}

}  // namespace
}  // namespace penumbra::data::testing
