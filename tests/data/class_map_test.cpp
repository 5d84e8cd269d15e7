#include "data/store/class_map.h"

#include <gmock/gmock.h>

#include "data/store/rows.h"
#include "tests/data/store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Four faces of fear, joy and rage; the columns beside them are "unknown" and "NF".
SampleSet four_faces() {
  SampleSet set = small_set(4);
  set.info.classes = {"fear", "joy", "rage"};
  set.info.vote_columns = {"fear", "joy", "rage", "unknown", "NF"};
  set.labels = {0, 1, 2, 1};
  set.votes = {5, 2, 1, 1, 0,   //
               1, 6, 1, 0, 0,   //
               2, 0, 7, 0, 1,   //
               0, 4, 0, 2, 3};  //
  set.distribution = {.5f, .25f, .25f, .25f, .5f, .25f, .25f, .25f, .5f, 0, 1, 0};
  set.ids = {"a", "b", "c", "d"};
  return set;
}

StoreInfo wanted(const SampleSet& set, std::vector<std::string> classes, std::vector<std::string> others) {
  StoreInfo info = set.info;
  info.classes = info.vote_columns = std::move(classes);
  info.vote_columns.insert(info.vote_columns.end(), others.begin(), others.end());
  return info;
}

TEST(ClassMap, LinesGiveNamesOrNone) {
  const std::vector<std::string> lines = {"happy=happiness", "contempt=", "a=b=c"};
  EXPECT_EQ(parse_class_map(lines), (ClassMap{{"happy", "happiness"}, {"contempt", ""}, {"a", "b=c"}}));
  for (const char* bad : {"happy", "=happiness", ""}) {
    EXPECT_THAT(complaint([&] { parse_class_map(std::vector<std::string>{bad}); }), HasSubstr("OLD=NEW"));
  }
  EXPECT_THAT(complaint([] { parse_class_map(std::vector<std::string>{"a=b", "a="}); }), HasSubstr("a is there twice"));
}

TEST(ClassMap, ClassesComeInTheOrderOfTheFirstThatBecomesEach) {
  EXPECT_THAT(mapped_classes({"fear", "joy", "rage"}, {{"joy", "fear"}}), ElementsAre("fear", "rage"));
  EXPECT_THAT(mapped_classes({"fear", "joy", "rage"}, {{"fear", ""}, {"joy", "glad"}}), ElementsAre("glad", "rage"));
  EXPECT_THAT(mapped_classes({"fear", "joy", "rage"}, {{"fear", "joy"}}), ElementsAre("joy", "rage"));
}

TEST(ClassMap, AnotherOrderMovesEveryColumn) {
  const SampleSet set = four_faces();
  const SampleSet moved = in_classes(set, {{"joy", "glad"}}, wanted(set, {"rage", "glad", "fear"}, {"NF", "unknown"}));
  EXPECT_THAT(moved.info.classes, ElementsAre("rage", "glad", "fear"));
  EXPECT_THAT(moved.labels, ElementsAre(2, 1, 0, 1));
  EXPECT_THAT(moved.votes, ElementsAre(1, 2, 5, 0, 1,  //
                                       1, 6, 1, 0, 0,  //
                                       7, 0, 2, 1, 0,  //
                                       0, 4, 0, 3, 2));
  EXPECT_THAT(moved.distribution, ElementsAre(.25f, .25f, .5f, .25f, .5f, .25f, .5f, .25f, .25f, 0, 1, 0));
  EXPECT_EQ(moved.ids, set.ids);
  EXPECT_EQ(moved.pixels, set.pixels);
}

TEST(ClassMap, ClassesOfOneNameAreOne) {
  const SampleSet set = four_faces();
  const SampleSet two =
      in_classes(set, {{"fear", "bad"}, {"rage", "bad"}}, wanted(set, {"bad", "joy"}, {"unknown", "NF"}));
  EXPECT_THAT(two.labels, ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(two.votes, ElementsAre(6, 2, 1, 0, 2, 6, 0, 0, 9, 0, 0, 1, 0, 4, 2, 3));
  EXPECT_THAT(two.distribution, ElementsAre(.75f, .25f, .5f, .5f, .75f, .25f, 0, 1));
}

TEST(ClassMap, FacesOfAClassThatBecomesNoneAreLeftOutAndVotesForItStandBesideTheClasses) {
  const SampleSet set = four_faces();
  const ClassMap map = {{"rage", ""}};
  EXPECT_THAT(mapped_other_columns(set.info, map), ElementsAre("unknown", "NF", "rage"));
  const SampleSet left = in_classes(set, map, wanted(set, {"fear", "joy"}, {"unknown", "NF", "rage"}));
  EXPECT_THAT(left.labels, ElementsAre(0, 1, 1));
  EXPECT_THAT(left.ids, ElementsAre("a", "b", "d"));
  EXPECT_THAT(left.votes, ElementsAre(5, 2, 1, 0, 1, 1, 6, 0, 0, 1, 0, 4, 2, 3, 0));
  const float third = .25f / .75f, two_thirds = .5f / .75f;
  EXPECT_THAT(left.distribution, ElementsAre(two_thirds, third, third, two_thirds, 0, 1));
  EXPECT_TRUE(std::ranges::equal(left.image(2), set.image(3)));
}

TEST(ClassMap, FacesKeepTheirGroups) {
  SampleSet set = four_faces();
  set.groups = {{"gender", {"male", "female"}, {0, 1, -1, 1}}};
  const auto moved = in_classes(set, {}, wanted(set, {"rage", "joy", "fear"}, {"unknown", "NF"}));
  EXPECT_EQ(moved.groups, set.groups);
  const auto left = in_classes(set, {{"fear", ""}}, wanted(set, {"joy", "rage"}, {"unknown", "NF", "fear"}));
  EXPECT_THAT(left.groups, ElementsAre(GroupColumn{"gender", {"male", "female"}, {1, -1, 1}}));
}

TEST(ClassMap, AFaceWithoutACleanClassAVoteOrAShareThatIsLeftIsLeftOut) {
  const ClassMap map = {{"joy", ""}};
  SampleSet set = four_faces();
  const StoreInfo info = wanted(set, {"fear", "rage"}, {"unknown", "NF", "joy"});
  set.labels = {0, 0, 2, 0};
  set.clean_labels = {0, 1, 2, 0};
  EXPECT_THAT(in_classes(set, map, info).ids, ElementsAre("a", "c"));  // b was joy; d has votes for joy alone
  EXPECT_THAT(in_classes(set, map, info).clean_labels, ElementsAre(0, 1));
  set.votes.clear();
  set.clean_labels.clear();
  set.info.vote_columns.clear();
  StoreInfo bare = wanted(set, {"fear", "rage"}, {});
  bare.vote_columns.clear();
  EXPECT_THAT(in_classes(set, map, bare).ids, ElementsAre("a", "b", "c"));  // d is joy for certain
}

TEST(ClassMap, AClassThatTheSetLacksHasNoFaceAndNoVote) {
  const SampleSet set = four_faces();
  const SampleSet more = in_classes(set, {}, wanted(set, {"awe", "fear", "joy", "rage"}, {"unknown", "NF"}));
  EXPECT_THAT(more.labels, ElementsAre(1, 2, 3, 2));
  EXPECT_THAT(std::vector<float>(more.votes.begin(), more.votes.begin() + 6), ElementsAre(0, 5, 2, 1, 1, 0));
}

TEST(ClassMap, AnUnknownClassIsNamedWithWhatToDo) {
  const auto refused = complaint([] { require_known({"fear", "happy"}, {}, {"fear", "joy"}, "b.h5"); });
  EXPECT_THAT(refused, AllOf(HasSubstr("b.h5"), HasSubstr("happy"), HasSubstr("fear, joy"), HasSubstr("happy=")));
  EXPECT_EQ(complaint([] { require_known({"fear", "happy"}, {{"happy", "joy"}}, {"fear", "joy"}, ""); }), "");
  EXPECT_EQ(complaint([] { require_known({"fear", "happy"}, {{"happy", ""}}, {"fear", "joy"}, ""); }), "");
}

/// Two stores: one of four_faces() and one of two faces with the classes of small_set.
class ClassesOfStores : public ::testing::Test {
 protected:
  ClassesOfStores() {
    write("a.h5", four_faces());
    write("b.h5", small_set(70));
  }
  void write(const std::string& name, const SampleSet& set) {
    StoreWriter writer(folder_ / name, set.info);
    writer.write_split("train", set);
    writer.commit();
    files_.push_back(folder_ / name);
  }
  Folder folder_;
  std::vector<std::string> files_;
};

TEST_F(ClassesOfStores, AreMatchedByName) {
  const ClassOptions options{{{"calm", ""}, {"glad", "joy"}, {"böse", "rage"}}, {}};
  const SampleSet all = load_split(files_, "train", options);
  EXPECT_THAT(all.info.classes, ElementsAre("fear", "joy", "rage"));
  EXPECT_THAT(all.info.vote_columns, ElementsAre("fear", "joy", "rage", "unknown", "NF", "calm"));
  ASSERT_EQ(all.size(), 4 + 46);
  EXPECT_THAT(std::vector<std::int32_t>(all.labels.begin(), all.labels.begin() + 7), ElementsAre(0, 1, 2, 1, 1, 2, 1));
  const SampleSet theirs = small_set(70);
  EXPECT_EQ(all.ids[4], theirs.ids[1]);
  EXPECT_EQ(all.ids.back(), theirs.ids[68]);
  EXPECT_TRUE(std::ranges::equal(all.image(4), theirs.image(1)));
  EXPECT_TRUE(std::ranges::equal(all.image(49), theirs.image(68)));
  const SampleSet opened = open_split(files_, "train", options);
  EXPECT_FALSE(opened.pixels.resident());
  EXPECT_EQ(opened.pixels.in_memory(), all.pixels);
  EXPECT_EQ(fingerprint(opened), fingerprint(all));
}

TEST_F(ClassesOfStores, OfATrainedNetComeInItsOrder) {
  const std::vector<std::string> file = {files_[0]};
  const SampleSet set = load_split(file, "train", {{}, {"rage", "fear", "awe", "joy"}});
  EXPECT_THAT(set.labels, ElementsAre(1, 3, 0, 3));
}

TEST_F(ClassesOfStores, AMapThatFitsNoStoreIsRefusedUnlessItWasMadeForOthers) {
  const std::vector<std::string> file = {files_[0]};
  const ClassMap map = {{"happy", "joy"}};
  EXPECT_THAT(complaint([&] {
                load_split(file, "train", {map, {}});
              }),
              AllOf(HasSubstr("no class happy"), HasSubstr("fear, joy, rage")));
  EXPECT_EQ(load_split(file, "train", {map, {}, false}).size(), 4);
}

TEST_F(ClassesOfStores, NoFaceLeftIsNamed) {
  SampleSet rage = rows_of(four_faces(), std::vector<std::int64_t>{2});
  write("d.h5", rage);
  const std::vector<std::string> file = {files_.back()};
  EXPECT_THAT(complaint([&] { load_split(file, "train", {{{"rage", ""}}, {}}); }), HasSubstr("leaves no face"));
}

}  // namespace
}  // namespace penumbra::data::testing
