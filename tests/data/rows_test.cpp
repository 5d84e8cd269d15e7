#include "data/store/rows.h"

#include <gmock/gmock.h>

#include "tests/data/store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Five samples whose clean label is the class before.
SampleSet noisy_set() {
  SampleSet set = small_set(5);
  for (const std::int32_t label : set.labels) set.clean_labels.push_back((label + 2) % 3);
  return set;
}

TEST(Rows, AreTheGivenOnesInTheGivenOrderWithAllTheirColumns) {
  const SampleSet set = noisy_set();
  const std::vector<std::int64_t> rows = {4, 0, 0, 2};
  const SampleSet some = rows_of(set, rows);
  ASSERT_EQ(some.size(), 4);
  EXPECT_EQ(some.info.classes, set.info.classes);
  EXPECT_THAT(some.labels, ElementsAre(1, 0, 0, 2));
  EXPECT_THAT(some.clean_labels, ElementsAre(0, 2, 2, 1));
  EXPECT_THAT(some.votes, ElementsAre(0, 6, 0, 4, 0, 6, 0, 0, 4, 0, 6, 0, 0, 4, 0, 0, 0, 6, 4, 0));
  EXPECT_THAT(some.distribution, ElementsAre(.25, .5, .25, .5, .25, .25, .5, .25, .25, .25, .25, .5));
  for (std::int64_t i = 0; i < some.size(); ++i) {
    EXPECT_EQ(some.ids[i], set.ids[rows[i]]);
    EXPECT_TRUE(std::ranges::equal(some.image(i), set.image(rows[i])));
  }
}

TEST(Rows, KeepTheirGroupsAndTheColumnsTheirValues) {
  SampleSet set = small_set(5);
  set.groups = small_groups(5);
  const SampleSet some = rows_of(set, std::vector<std::int64_t>{4, 0, 3});
  EXPECT_THAT(some.groups, ElementsAre(GroupColumn{"subject", {"José 0", "José 1", "José 2"}, {2, 0, 1}},
                                       GroupColumn{"gender", {"male", "female"}, {0, -1, -1}}));
}

TEST(Rows, ConcatenatedGroupsAreMatchedByTheirTextsAndUnknownWhereTheyAreNotThere) {
  SampleSet first = small_set(2), second = small_set(3), third = small_set(1);
  first.groups = {{"gender", {"male", "female"}, {1, -1}}};
  second.groups = {{"age", {"old"}, {0, -1, 0}}, {"gender", {"other", "female"}, {0, 1, -1}}};
  EXPECT_THAT(concatenate({first, third, second}).groups,
              ElementsAre(GroupColumn{"gender", {"male", "female", "other"}, {1, -1, -1, 2, 1, -1}},
                          GroupColumn{"age", {"old"}, {-1, -1, -1, 0, -1, 0}}));
  EXPECT_THAT(concatenate({second}).groups, second.groups);
  EXPECT_THAT(concatenate({third, third}).groups, IsEmpty());
}

TEST(Rows, AColumnThatIsNotThereStaysSo) {
  SampleSet set = small_set(5);
  set.votes.clear();
  set.distribution.clear();
  const SampleSet some = rows_of(set, std::vector<std::int64_t>{1});
  EXPECT_THAT(some.votes, IsEmpty());
  EXPECT_THAT(some.distribution, IsEmpty());
  EXPECT_THAT(some.clean_labels, IsEmpty());
}

TEST(Rows, OfImagesInAFileAreTheSame) {
  const Folder folder;
  const SampleSet set = small_set(70);
  StoreWriter writer(folder / "x.h5", set.info);
  writer.write_split("train", set);
  writer.commit();
  const SampleSet opened = StoreReader(folder / "x.h5").open("train");
  ASSERT_FALSE(opened.pixels.resident());
  const std::vector<std::int64_t> rows = {69, 3, 3, 4, 0}, again = {4, 1, 2};
  const SampleSet some = rows_of(opened, rows);
  EXPECT_FALSE(some.pixels.resident());
  EXPECT_EQ(some.pixels.in_memory(), rows_of(set, rows).pixels);
  EXPECT_EQ(rows_of(some, again).pixels.in_memory(), rows_of(rows_of(set, rows), again).pixels);
}

TEST(Rows, OutsideTheSetAreRefused) {
  EXPECT_THROW(rows_of(small_set(5), std::vector<std::int64_t>{5}), std::out_of_range);
  EXPECT_THROW(rows_of(small_set(5), std::vector<std::int64_t>{-1}), std::out_of_range);
}

TEST(Rows, ConcatenatedLabelsWithoutACleanOneAreClean) {
  for (const bool noisy_first : {true, false}) {
    std::vector<SampleSet> parts = {noisy_set(), small_set(2)};
    if (!noisy_first) std::swap(parts[0], parts[1]);
    const SampleSet all = concatenate(parts);
    const std::vector<std::int32_t> noisy = {2, 0, 1, 2, 0}, clean = {0, 1};
    std::vector<std::int32_t> expected = noisy_first ? noisy : clean;
    const auto& rest = noisy_first ? clean : noisy;
    expected.insert(expected.end(), rest.begin(), rest.end());
    EXPECT_EQ(all.clean_labels, expected);
  }
  EXPECT_THAT(concatenate({small_set(2), small_set(3)}).clean_labels, IsEmpty());
}

TEST(Rows, ConcatenatedDistributionsAreKnownOfAllOrNone) {
  SampleSet without = small_set(2);
  without.distribution.clear();
  EXPECT_EQ(concatenate({small_set(2), small_set(3)}).distribution.size(), 15u);
  EXPECT_THAT(concatenate({small_set(2), without}).distribution, IsEmpty());
  EXPECT_THAT(concatenate({without, small_set(2)}).distribution, IsEmpty());
}

}  // namespace
}  // namespace penumbra::data::testing
