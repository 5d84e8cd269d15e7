#include <algorithm>

#include <gmock/gmock.h>

#include "data/import/rafdb.h"
#include "tests/data/import_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The published layout: two faces to train on, one to test on.
class Rafdb : public ::testing::Test {
 protected:
  Rafdb() {
    write_bytes(list_, "train_00001.jpg 5\ntrain_00002.jpg 1\ntest_0001.jpg 7\n");
    put("train_00001", test_image(100, 3, 1));
    put("train_00002", test_image(100, 3, 2));
    put("test_0001", test_image(100, 3, 3));
  }
  std::filesystem::path image(const std::string& name) { return dir_ / ("Image/aligned/" + name + "_aligned.jpg"); }
  // A PNG under the JPEG's name: the content decides, and the pixels stay exact.
  void put(const std::string& name, const Image& pixels) { put_png(image(name), pixels); }
  ImportReport import(const RafdbOptions& options = {}) { return import_rafdb(dir_.path(), out_, options); }
  std::string error(const RafdbOptions& options = {}) {
    return complaint([&] { import(options); });
  }
  std::string error_of_list(const std::string& text) {
    write_bytes(list_, text);
    return error();
  }
  std::string error_of_shares(const std::string& text) {
    write_bytes(shares_, text);
    return error();
  }

  std::filesystem::path person(const std::string& name) {
    return dir_ / ("Annotation/manual/" + name + "_manu_attri.txt");
  }
  /// As published: landmarks between tabs, then gender, race and age.
  void put_people() {
    const std::string landmarks = "34.5\t38.25\n66\t38\n50\t57\n36\t74\n64.125\t74\n";
    write_bytes(person("train_00001"), landmarks + "1\n0\n4\n");
    write_bytes(person("train_00002"), landmarks + "2\n2\n0\n");
    write_bytes(person("test_0001"), landmarks + "0\r\n1\r\n2\r\n");
  }
  std::string error_of_person(const std::string& text) {
    write_bytes(person("train_00002"), text);
    return error();
  }

  Folder dir_, out_folder_;
  std::filesystem::path out_ = out_folder_ / "x.h5", list_ = dir_ / "EmoLabel/list_patition_label.txt",
                        shares_ = dir_ / "EmoLabel/distribution_basic.txt";
};

TEST_F(Rafdb, LabelsPixelsAndIdsFollowTheList) {
  const ImportReport report = import();
  const StoreReader reader(out_);
  EXPECT_THAT(reader.splits(), ElementsAre("train", "test"));
  EXPECT_THAT(reader.info().classes,
              ElementsAre("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"));
  EXPECT_THAT(reader.info().vote_columns, IsEmpty());
  EXPECT_EQ(reader.info().image_size, 100);
  EXPECT_EQ(reader.info().channels, 3);
  const SampleSet train = reader.load("train");
  EXPECT_THAT(train.labels, ElementsAre(4, 0));
  EXPECT_THAT(train.ids, ElementsAre("train_00001.jpg", "train_00002.jpg"));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(std::ranges::equal(train.image(i), test_image(100, 3, i + 1).pixels)) << i;
  EXPECT_THAT(reader.load("test").labels, ElementsAre(6));
  ASSERT_EQ(report.splits.size(), 2u);
  EXPECT_EQ(report.splits[0].kept, 2);
  EXPECT_EQ(report.splits[1].kept, 1);
  EXPECT_THAT(report.notes, IsEmpty());
}

TEST_F(Rafdb, AJpegIsReadUnderItsName) {
  write_bytes(image("test_0001"), jpeg_bytes(test_image(100, 3, 3)));
  import();
  EXPECT_EQ(StoreReader(out_).load("test").image(0).size(), 30000u);
}

TEST_F(Rafdb, SharesBecomeTheVotesOfTheirImageWhateverTheirOrder) {
  write_bytes(shares_,
              "test_0001.jpg 0 0 0 0 0 0 1\r\n"
              "train_00002.jpg 0.5 0.25 0 0 0 0 0.25\r\n"
              "train_00001.jpg 0 0 0.125 0 0.875 0 0\r\n");
  import();
  const SampleSet train = StoreReader(out_).load("train");
  EXPECT_EQ(train.info.vote_columns, train.info.classes);
  EXPECT_THAT(train.votes, ElementsAre(0, 0, 0.125f, 0, 0.875f, 0, 0, 0.5f, 0.25f, 0, 0, 0, 0, 0.25f));
  EXPECT_THAT(StoreReader(out_).load("test").votes, ElementsAre(0, 0, 0, 0, 0, 0, 1));
}

TEST_F(Rafdb, PeopleBecomeGroupsAndUnsureIsUnknown) {
  import();
  EXPECT_THAT(StoreReader(out_).load("train").groups, IsEmpty());
  put_people();
  import();
  const std::vector<std::string> genders = {"male", "female"}, races = {"Caucasian", "African-American", "Asian"},
                                 ages = {"0-3", "4-19", "20-39", "40-69", "70+"};
  EXPECT_THAT(StoreReader(out_).load("train").groups,
              ElementsAre(GroupColumn{"gender", genders, {1, -1}}, GroupColumn{"race", races, {0, 2}},
                          GroupColumn{"age", ages, {4, 0}}));
  EXPECT_THAT(
      StoreReader(out_).load("test").groups,
      ElementsAre(GroupColumn{"gender", genders, {0}}, GroupColumn{"race", races, {1}}, GroupColumn{"age", ages, {2}}));
}

TEST_F(Rafdb, ACorruptImageIsLeftOutWithItsPerson) {
  put_people();
  write_bytes(image("train_00001"), "no image");
  RafdbOptions options;
  options.common.skip_bad = true;
  import(options);
  const SampleSet train = StoreReader(out_).load("train");
  ASSERT_EQ(train.size(), 1);
  EXPECT_THAT(train.groups.at(1).codes, ElementsAre(2));
}

TEST_F(Rafdb, MalformedOrMissingPeopleNameFileAndLine) {
  put_people();
  const std::string at = person("train_00002").string(), landmarks = "1 2\n1 2\n1 2\n1 2\n1 2\n";
  EXPECT_THAT(error_of_person(landmarks + "3\n0\n0\n"), HasSubstr(at + ":6: the gender is \"3\", expected 0 to 2"));
  EXPECT_THAT(error_of_person(landmarks + "0\n3\n0\n"), HasSubstr(at + ":7: the race is \"3\", expected 0 to 2"));
  EXPECT_THAT(error_of_person(landmarks + "0\n0\n5\n"), HasSubstr(at + ":8: the age is \"5\", expected 0 to 4"));
  EXPECT_THAT(error_of_person(landmarks + "0\n-1\n0\n"), HasSubstr(at + ":7: the race is \"-1\""));
  EXPECT_THAT(error_of_person(landmarks + "0\n1.0\n0\n"), HasSubstr(at + ":7: the race is \"1.0\""));
  EXPECT_THAT(error_of_person(landmarks + "0\n0\n0 0\n"), HasSubstr(at + ":8: 2 words, expected 1"));
  EXPECT_THAT(error_of_person("1 2\nnan 2\n1 2\n1 2\n1 2\n0\n0\n0\n"), HasSubstr(at + ":2: \"nan\" is no landmark"));
  EXPECT_THAT(error_of_person("1 2\n1 2\n1 2\n1 2\n1\n0\n0\n0\n"), HasSubstr(at + ":5: 1 words, expected 2"));
  EXPECT_THAT(error_of_person(landmarks + "0\n0\n"), HasSubstr(at + ": 7 lines, expected 8"));
  EXPECT_THAT(error_of_person(landmarks + "0\n0\n0\n0\n"), HasSubstr(at + ": 9 lines, expected 8"));
  std::filesystem::remove(at);
  EXPECT_EQ(error(), at + ": no such file");
  EXPECT_THAT(out_folder_.names(), IsEmpty());
}

TEST_F(Rafdb, ACorruptImageIsAnAnErrorOrLeftOutWithItsVotes) {
  write_bytes(shares_, "train_00001.jpg 0 0 0 0 1 0 0\ntrain_00002.jpg 1 0 0 0 0 0 0\ntest_0001.jpg 0 0 0 0 0 0 1\n");
  write_bytes(image("train_00001"), "no image");
  EXPECT_THAT(error(), HasSubstr("train_00001_aligned.jpg: is neither"));
  EXPECT_THAT(out_folder_.names(), IsEmpty());
  RafdbOptions options;
  options.common.skip_bad = true;
  const ImportReport report = import(options);
  EXPECT_EQ(report.splits[0].kept, 1);
  EXPECT_EQ(report.splits[0].bad_images, 1);
  const SampleSet train = StoreReader(out_).load("train");
  EXPECT_THAT(train.ids, ElementsAre("train_00002.jpg"));
  EXPECT_THAT(train.labels, ElementsAre(0));
  EXPECT_THAT(train.votes, ElementsAre(1, 0, 0, 0, 0, 0, 0));
}

TEST_F(Rafdb, SizeAndChannelsFollowTheOptions) {
  RafdbOptions options;
  options.size = 50;
  options.channels = 1;
  import(options);
  EXPECT_EQ(StoreReader(out_).info().image_size, 50);
  EXPECT_EQ(StoreReader(out_).info().channels, 1);
  put("test_0001", test_image(99, 3, 3));
  EXPECT_EQ(error(options), "");
  EXPECT_THAT(error(), HasSubstr("test_0001_aligned.jpg: is 99x99 pixels"));
}

TEST_F(Rafdb, AMalformedListNamesFileAndLine) {
  const std::string at = list_.string(), good = "train_00001.jpg 5\n";
  EXPECT_THAT(error_of_list(good + "train_00002.jpg 0\n"), HasSubstr(at + ":2: the label is \"0\""));
  EXPECT_THAT(error_of_list(good + "train_00002.jpg 8\n"), HasSubstr(at + ":2: the label is \"8\""));
  EXPECT_THAT(error_of_list(good + "train_00002.jpg 1x\n"), HasSubstr(at + ":2: the label is \"1x\""));
  EXPECT_THAT(error_of_list(good + "train_00002.jpg"), HasSubstr(at + ":2: 1 words, expected 2"));
  EXPECT_THAT(error_of_list(good + "valid_00002.jpg 1\n"), HasSubstr(at + ":2: \"valid_00002.jpg\" is neither"));
  EXPECT_THAT(error_of_list(good + "train_/../../x.jpg 1\n"), HasSubstr(at + ":2: \"train_/../../x.jpg\" is neither"));
  EXPECT_THAT(error_of_list(good + good), HasSubstr(at + ":2: train_00001.jpg is there twice"));
  EXPECT_THAT(error_of_list("\n"), HasSubstr(at + ": lists no usable image"));
  EXPECT_THAT(out_folder_.names(), IsEmpty());
}

TEST_F(Rafdb, MalformedSharesNameFileAndLine) {
  const std::string at = shares_.string(), good = "train_00001.jpg 0 0 0 0 1 0 0\n";
  EXPECT_THAT(error_of_shares(good), HasSubstr(at + ": has no line for train_00002.jpg"));
  EXPECT_THAT(error_of_shares(good + "train_00002.jpg 1 0 0 0 0 0\n"), HasSubstr(at + ":2: 7 words, expected 8"));
  EXPECT_THAT(error_of_shares(good + "train_00002.jpg 0 0 0 0 0 0 0\n"), HasSubstr(at + ":2: train_00002.jpg has no"));
  for (const char* share : {"-0.1", "1.5", "nan", "inf", "x", "0.5x"})
    EXPECT_THAT(error_of_shares(good + "train_00002.jpg 1 0 0 0 0 0 " + share), HasSubstr(at + ":2: \"" + share));
  EXPECT_THAT(error_of_shares(good + good), HasSubstr(at + ":2: train_00001.jpg is there twice"));
  EXPECT_THAT(error_of_shares(""), HasSubstr(at + ": is empty"));
}

TEST_F(Rafdb, AMissingFileIsNamed) {
  std::filesystem::remove(image("train_00002"));
  EXPECT_THAT(error(), HasSubstr("train_00002_aligned.jpg: no such file"));
  std::filesystem::remove(list_);
  EXPECT_THAT(error(), HasSubstr("list_patition_label.txt: no such file"));
  EXPECT_THAT(complaint([&] { import_rafdb(dir_ / "none", out_, {}); }), HasSubstr("none: no such folder"));
}

}  // namespace
}  // namespace penumbra::data::testing
