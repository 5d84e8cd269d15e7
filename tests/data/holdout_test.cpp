#include "data/tools/holdout.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gmock/gmock.h>

#include "tests/data/random_set.h"
#include "tests/data/store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Class c has sizes[c] samples, one class after the other.
SampleSet set_of(const std::vector<int>& sizes) {
  int samples = 0;
  for (const int size : sizes) samples += size;
  SampleSet set = random_set(samples, 2, 1, static_cast<int>(sizes.size()));
  set.labels.clear();
  for (std::size_t c = 0; c < sizes.size(); ++c)
    set.labels.insert(set.labels.end(), static_cast<std::size_t>(sizes[c]), static_cast<std::int32_t>(c));
  return set;
}

std::vector<int> counts(const SampleSet& set) {
  std::vector<int> found(static_cast<std::size_t>(set.classes()));
  for (const std::int32_t label : set.labels) ++found[static_cast<std::size_t>(label)];
  return found;
}

TEST(Holdout, EachClassGivesItsShareByLargestRemainders) {
  // A tenth of 91 is 9: 4.5, 3.3 and 1.3 leave one seat, for the half.
  EXPECT_THAT(counts(hold_out(set_of({45, 33, 13}), 0.1, 1).held), ElementsAre(5, 3, 1));
  EXPECT_THAT(counts(hold_out(set_of({5, 5, 5, 5}), 0.1, 1).held), ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(counts(hold_out(set_of({0, 1, 10}), 0.5, 1).held), ElementsAre(0, 1, 5));
}

TEST(Holdout, TheTotalIsRoundedAndNoClassIsOffByOneOrMore) {
  const std::vector<int> sizes = {97, 3, 41, 1, 0, 260};
  const SampleSet set = set_of(sizes);
  for (double fraction = 0; fraction <= 1; fraction += 0.037) {
    const HeldOut parts = hold_out(set, fraction, 3);
    EXPECT_EQ(parts.held.size(), std::lround(fraction * 402));
    EXPECT_EQ(parts.held.size() + parts.kept.size(), 402);
    for (std::size_t c = 0; c < sizes.size(); ++c)
      EXPECT_LT(std::abs(counts(parts.held)[c] - fraction * sizes[c]), 1) << fraction << " of class " << c;
  }
}

TEST(Holdout, TheTwoPartsAreTheSetInItsOrder) {
  const SampleSet set = random_set(200, 3, 1);
  const HeldOut parts = hold_out(set, 0.3, 5);
  std::map<std::string, std::int64_t> row_of;
  for (std::int64_t row = 0; row < set.size(); ++row) row_of[set.ids[row]] = row;
  std::set<std::int64_t> seen;
  for (const SampleSet* part : {&parts.kept, &parts.held}) {
    std::int64_t last = -1;
    for (std::int64_t i = 0; i < part->size(); ++i) {
      const std::int64_t row = row_of.at(part->ids[i]);
      EXPECT_GT(row, last);
      EXPECT_EQ(part->labels[i], set.labels[row]);
      EXPECT_TRUE(std::ranges::equal(part->image(i), set.image(row)));
      seen.insert(last = row);
    }
  }
  EXPECT_EQ(seen.size(), 200u);
  EXPECT_EQ(hold_out(set, 0.3, 5).held.ids, parts.held.ids);
  EXPECT_NE(hold_out(set, 0.3, 6).held.ids, parts.held.ids);
}

TEST(Holdout, FacesKeepTheirGroups) {
  SampleSet set = set_of({6, 6});
  set.groups = {{"row", {}, {}}};
  for (int row = 0; row < 12; ++row) {
    set.groups[0].values.push_back(set.ids[static_cast<std::size_t>(row)]);
    set.groups[0].codes.push_back(row);
  }
  const HeldOut parts = hold_out(set, 0.5, 1);
  for (const SampleSet* part : {&parts.kept, &parts.held}) {
    const GroupColumn& column = part->groups.at(0);
    ASSERT_EQ(column.codes.size(), 6u);
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(column.values.at(column.codes[i]), part->ids[i]);
  }
}

TEST(Holdout, HeldOutSamplesGetTheirCleanLabelsBackAndAreDrawnByThem) {
  SampleSet set = set_of({40, 40, 20});
  set.clean_labels = set.labels;
  for (std::int32_t& label : set.labels) label = (label + 1) % 3;
  const HeldOut parts = hold_out(set, 0.1, 1);
  EXPECT_THAT(counts(parts.held), ElementsAre(4, 4, 2));
  EXPECT_THAT(parts.held.clean_labels, IsEmpty());
  EXPECT_THAT(counts(parts.kept), ElementsAre(18, 36, 36));
  EXPECT_EQ(parts.kept.clean_labels.size(), 90u);
}

/// `sizes[g]` faces of group g, spread over the set, and so many of none.
GroupColumn column_of(const std::vector<int>& sizes, int unknown) {
  GroupColumn column{"subject", {}, std::vector<std::int32_t>(static_cast<std::size_t>(unknown), kUnknownGroup)};
  std::vector<int> left = sizes;
  for (bool any = true; std::exchange(any, false);) {
    for (std::size_t g = 0; g < sizes.size(); ++g) {
      if (left[g]-- <= 0) continue;
      column.codes.push_back(static_cast<std::int32_t>(g));
      any = true;
    }
  }
  for (std::size_t g = 0; g < sizes.size(); ++g) column.values.push_back(std::to_string(g));
  return column;
}

/// The groups of a part, each with how many faces it has there.
std::map<std::int32_t, int> faces_by_group(const SampleSet& part) {
  std::map<std::int32_t, int> faces;
  for (const std::int32_t code : part.groups.at(0).codes) ++faces[code];
  return faces;
}

HeldOut held_by_group(const std::vector<int>& sizes, int unknown, double fraction, std::uint64_t seed) {
  const GroupColumn column = column_of(sizes, unknown);
  SampleSet set = random_set(static_cast<int>(column.codes.size()), 1, 1);
  set.groups = {column};
  return hold_out_groups(set, column, fraction, seed);
}

TEST(HoldoutByGroup, NoGroupIsOnBothSidesAndEachIsWhole) {
  const std::vector<int> sizes = {7, 1, 12, 3, 3, 9, 20, 5};
  std::set<std::vector<std::string>> drawn;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const HeldOut parts = held_by_group(sizes, 4, 0.3, seed);
    auto groups = faces_by_group(parts.kept);
    EXPECT_EQ(parts.kept.size() + parts.held.size(), 64);
    for (const auto& [group, faces] : faces_by_group(parts.held)) {
      if (group == kUnknownGroup) continue;
      EXPECT_EQ(faces, sizes[static_cast<std::size_t>(group)]);
      EXPECT_FALSE(groups.contains(group));
    }
    EXPECT_EQ(held_by_group(sizes, 4, 0.3, seed).held.ids, parts.held.ids);
    drawn.insert(parts.held.ids);
  }
  EXPECT_GT(drawn.size(), 10u);
}

TEST(HoldoutByGroup, ComesAsNearAsHalfTheSmallestGroupThatIsLeft) {
  const std::vector<int> sizes = {7, 1, 12, 3, 3, 9, 20, 5};
  for (double fraction = 0; fraction <= 1; fraction += 0.043) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const HeldOut parts = held_by_group(sizes, 0, fraction, seed);
      std::int64_t smallest = 60;
      for (const auto& [group, faces] : faces_by_group(parts.kept)) smallest = std::min<std::int64_t>(smallest, faces);
      const std::int64_t missing = std::lround(fraction * 60) - parts.held.size();
      EXPECT_LE(2 * missing, smallest) << fraction;
      EXPECT_LE(-2 * missing, 20) << fraction;
    }
  }
  EXPECT_EQ(held_by_group({10, 10, 10}, 0, 0.16, 1).held.size(), 0);
  EXPECT_EQ(held_by_group({10, 10, 10}, 0, 0.2, 1).held.size(), 10);
}

TEST(HoldoutByGroup, UnknownFacesAreDrawnOneByOne) {
  for (const double fraction : {0.1, 0.5, 0.93}) {
    const HeldOut parts = held_by_group({}, 100, fraction, 1);
    EXPECT_EQ(parts.held.size(), std::lround(100 * fraction));
  }
}

TEST(HoldoutByGroup, CleanLabelsComeBack) {
  SampleSet set = random_set(8, 1, 1);
  set.clean_labels = set.labels;
  for (std::int32_t& label : set.labels) label = (label + 1) % 4;
  set.groups = {column_of({4, 4}, 0)};
  const HeldOut parts = hold_out_groups(set, set.groups[0], 0.5, 1);
  EXPECT_THAT(parts.held.clean_labels, IsEmpty());
  EXPECT_EQ(parts.kept.clean_labels.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(parts.held.labels[i], std::stoi(parts.held.ids[i].substr(6)) % 4);
}

class HoldoutStore : public ::testing::Test {
 protected:
  HoldoutStore() { write_small_store(store); }
  const Folder folder;
  const std::filesystem::path store = folder / "x.h5", out = folder / "out.h5";
};

TEST_F(HoldoutStore, HasTheNewSplitAndTheOthersAsTheyWere) {
  EXPECT_THAT(write_holdout(store, out, 0.2, 1, "test"),
              ElementsAre("train: 56 faces, test: 14", HasSubstr("variants")));
  const StoreReader reader(out);
  EXPECT_THAT(reader.splits(), ElementsAre("train", "val", "test"));
  EXPECT_EQ(reader.variants(), 0);
  EXPECT_EQ(reader.load("val").ids, small_set(5).ids);
  EXPECT_EQ(reader.load("test").ids, hold_out(small_set(70), 0.2, 1).held.ids);
}

TEST_F(HoldoutStore, ASplitThatIsThereIsNotReplaced) {
  EXPECT_THAT(complaint([&] { write_holdout(store, out, 0.2, 1, "val"); }), HasSubstr("has a split val already"));
}

TEST_F(HoldoutStore, MayBeDividedByGroups) {
  EXPECT_THAT(write_holdout(store, out, 0.2, 1, "test", "subject").front(), "train: 56 faces, test: 14");
  const StoreReader reader(out);
  const SampleSet train = reader.load("train"), test = reader.load("test");
  const auto& kept = train.groups.at(0).codes;
  for (const std::int32_t code : test.groups.at(0).codes) EXPECT_EQ(std::count(kept.begin(), kept.end(), code), 0);
  EXPECT_EQ(test.groups.at(0).values, small_groups(70)[0].values);
}

TEST_F(HoldoutStore, AColumnThatIsNotThereIsNamedWithThoseThatAre) {
  EXPECT_EQ(complaint([&] { write_holdout(store, out, 0.2, 1, "test", "age"); }),
            store.string() + ": its training split has no groups \"age\", there are subject, gender");
  StoreWriter writer(store, small_set(5).info);
  writer.write_split("train", small_set(5));
  writer.commit();
  EXPECT_THAT(complaint([&] { write_holdout(store, out, 0.2, 1, "test", "age"); }),
              HasSubstr("\"age\", nor any others"));
  EXPECT_THAT(folder.names(), ElementsAre("x.h5"));
}

TEST_F(HoldoutStore, NeitherPartMayBeEmpty) {
  EXPECT_THAT(complaint([&] { write_holdout(store, out, 0.001, 1, "test"); }),
              HasSubstr("of 70 training faces is none"));
  EXPECT_THAT(complaint([&] { write_holdout(store, out, 0.999, 1, "test"); }), HasSubstr("is all of them"));
  EXPECT_THAT(complaint([&] { write_holdout(store, out, 0.01, 1, "test", "subject"); }),
              HasSubstr("of 70 training faces in whole groups of subject is none"));
}

TEST_F(HoldoutStore, AFaceThatIsThereTwiceIsNotTrainedAndTestedOn) {
  SampleSet set = small_set(40);
  for (std::size_t row = 0; row < 40; ++row) set.ids[row] = "face " + std::to_string(row < 10 ? row / 2 : row);
  StoreWriter writer(store, set.info);
  writer.write_split("train", set);
  writer.commit();
  std::set<std::size_t> twice;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    write_holdout(store, out, 0.3, seed, "val");
    const StoreReader reader(out);
    const std::vector<std::string> kept = reader.load("train").ids, held = reader.load("val").ids;
    EXPECT_EQ(kept.size() + held.size(), 40u);
    for (const std::string& id : held) EXPECT_EQ(std::count(kept.begin(), kept.end(), id), 0) << id;
    twice.insert(held.size() - std::set<std::string>(held.begin(), held.end()).size());
  }
  EXPECT_GT(twice.size(), 1u);  // sometimes more of them are held out, sometimes fewer
}

}  // namespace
}  // namespace penumbra::data::testing
