#include <algorithm>

#include <gmock/gmock.h>

#include "data/import/folder.h"
#include "tests/data/import_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class ImageFolder : public ::testing::Test {
 protected:
  ImageFolder() {
    put_png(dir_ / "train/sad/b.png", test_image(8, 1, 1));
    put_png(dir_ / "train/sad/a.PNG", test_image(8, 1, 2));
    put_png(dir_ / "train/angry/z.png", test_image(8, 1, 3));
    put_png(dir_ / "train/happy/1.png", test_image(8, 1, 4));
    put_png(dir_ / "test/happy/1.png", test_image(8, 1, 5));
  }
  ImportReport import(const FolderOptions& options = {}) { return import_folder(dir_.path(), out_, options); }
  std::string error(const FolderOptions& options = {}) {
    return complaint([&] { import(options); });
  }
  SampleSet load(const std::string& split) { return StoreReader(out_).load(split); }

  Folder dir_, out_folder_;
  std::filesystem::path out_ = out_folder_ / "x.h5";
};

TEST_F(ImageFolder, ClassesAreTheSortedFolderNamesAndRowsAreInOrder) {
  put_png(dir_ / "val/sad/c.png", test_image(8, 1, 6));
  const ImportReport report = import();
  const SampleSet train = load("train");
  EXPECT_THAT(train.info.classes, ElementsAre("angry", "happy", "sad"));
  EXPECT_THAT(train.info.vote_columns, IsEmpty());
  EXPECT_EQ(train.info.image_size, 8);
  EXPECT_EQ(train.info.channels, 1);
  EXPECT_THAT(train.votes, IsEmpty());
  EXPECT_THAT(train.ids, ElementsAre("train/angry/z.png", "train/happy/1.png", "train/sad/a.PNG", "train/sad/b.png"));
  EXPECT_THAT(train.labels, ElementsAre(0, 1, 2, 2));
  const int seeds[] = {3, 4, 2, 1};
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(std::ranges::equal(train.image(i), test_image(8, 1, seeds[i]).pixels)) << i;
  EXPECT_THAT(load("val").labels, ElementsAre(2));
  EXPECT_THAT(load("test").labels, ElementsAre(1));
  EXPECT_THAT(report.notes, IsEmpty());
  ASSERT_EQ(report.splits.size(), 3u);
  EXPECT_EQ(report.splits[0].kept, 4);
}

TEST_F(ImageFolder, ValidIsReadAsValButNotBoth) {
  put_png(dir_ / "valid/happy/2.png", test_image(8, 1, 7));
  import();
  EXPECT_THAT(load("val").ids, ElementsAre("valid/happy/2.png"));
  put_png(dir_ / "val/happy/2.png", test_image(8, 1, 7));
  EXPECT_THAT(error(), HasSubstr("both val/ and valid/"));
}

TEST_F(ImageFolder, AMissingSplitIsLeftOutWithANote) {
  const ImportReport report = import();
  EXPECT_THAT(StoreReader(out_).splits(), ElementsAre("train", "test"));
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("no split val")));
}

TEST_F(ImageFolder, ChannelsFollowTheFirstImageOrTheOption) {
  write_bytes(dir_ / "train/angry/a.jpg", jpeg_bytes(test_image(8, 3, 8)));  // now the first
  import();
  EXPECT_EQ(load("train").info.channels, 3);
  const SampleSet rgb = load("train");
  const auto grey = test_image(8, 1, 3).pixels;  // angry/z.png, the second
  for (std::size_t i = 0; i < grey.size(); ++i) EXPECT_EQ(rgb.image(1)[3 * i + 2], grey[i]);
  FolderOptions options;
  options.channels = 1;
  import(options);
  EXPECT_EQ(load("train").info.channels, 1);
  EXPECT_TRUE(std::ranges::equal(load("train").image(1), grey));
}

TEST_F(ImageFolder, OtherSizesAreAnErrorUnlessResized) {
  put_png(dir_ / "train/sad/wide.png", Image{4, 2, 1, {10, 20, 30, 40, 50, 60, 70, 80}});
  EXPECT_THAT(error(), HasSubstr("wide.png: is 4x2 pixels"));
  EXPECT_THAT(error(), HasSubstr("--size"));
  EXPECT_THAT(out_folder_.names(), IsEmpty());
  FolderOptions options;
  options.size = 2;
  import(options);
  const SampleSet set = load("train");
  EXPECT_EQ(set.info.image_size, 2);
  ASSERT_EQ(set.ids.back(), "train/sad/wide.png");
  EXPECT_THAT(set.image(4), ElementsAre(15, 35, 55, 75));
}

TEST_F(ImageFolder, ANonSquareFirstImageIsAnErrorUnlessResized) {
  put_png(dir_ / "train/angry/a.png", Image{4, 2, 1, {10, 20, 30, 40, 50, 60, 70, 80}});
  EXPECT_THAT(error(), HasSubstr("a.png: is 4x2 pixels"));
}

TEST_F(ImageFolder, ACorruptImageIsAnErrorOrNamedCountedAndLeftOut) {
  const std::filesystem::path jpeg = dir_ / "train/angry/a.jpeg", png = dir_ / "test/happy/0.png";
  const std::string whole = jpeg_bytes(Image{3, 2, 1, {1, 2, 3, 4, 5, 6}});
  write_bytes(jpeg, whole.substr(0, whole.size() - 3));
  write_bytes(png, "\x89PNG\r\n\x1a\n and no more");
  EXPECT_THAT(error(), HasSubstr(jpeg.string() + ": corrupt JPEG"));
  FolderOptions options;
  options.common.skip_bad = true;
  const ImportReport report = import(options);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr(jpeg.string()), HasSubstr("no split val"), HasSubstr(png.string())));
  EXPECT_EQ(report.splits[0].kept, 4);
  EXPECT_EQ(report.splits[0].bad_images, 1);
  EXPECT_EQ(report.splits[1].bad_images, 1);
  EXPECT_THAT(load("train").labels, ElementsAre(0, 1, 2, 2));
  EXPECT_TRUE(std::ranges::equal(load("train").image(0), test_image(8, 1, 3).pixels));
}

class FolderGroups : public ImageFolder {
 protected:
  std::string error_of_table(const std::string& text) {
    write_bytes(table_, text);
    return error();
  }
  std::filesystem::path table_ = dir_ / "groups.csv";
  const std::string at_ = table_.string(), header_ = "path,subject\n";
};

TEST_F(FolderGroups, OfATableAreStoredAndUnknownWhereItSaysNothing) {
  put_png(dir_ / "valid/sad/c.png", test_image(8, 1, 6));
  write_bytes(table_,
              "path,subject,age\r\n"
              "test/happy/1.png,\"Smith, José\",old\r\n"
              "train/sad/b.png,S1,\r\n"
              "valid/sad/c.png,,\r\n"
              "train/angry/z.png,S2,young\r\n"
              "train/sad/a.PNG,S1,old\r\n");
  import();
  const std::vector<std::string> subjects = {"Smith, José", "S1", "S2"}, ages = {"old", "young"};
  EXPECT_THAT(load("train").groups,
              ElementsAre(GroupColumn{"subject", subjects, {2, -1, 1, 1}}, GroupColumn{"age", ages, {1, -1, 0, -1}}));
  EXPECT_THAT(load("val").groups, ElementsAre(GroupColumn{"subject", subjects, {-1}}, GroupColumn{"age", ages, {-1}}));
  EXPECT_THAT(load("test").groups, ElementsAre(GroupColumn{"subject", subjects, {0}}, GroupColumn{"age", ages, {0}}));
}

TEST_F(FolderGroups, ACorruptImageIsLeftOutWithItsGroup) {
  write_bytes(dir_ / "train/angry/a.png", "no image");
  write_bytes(table_, header_ + "train/angry/a.png,S1\ntrain/angry/z.png,S2\n");
  FolderOptions options;
  options.common.skip_bad = true;
  import(options);
  EXPECT_THAT(load("train").groups, ElementsAre(GroupColumn{"subject", {"S1", "S2"}, {1, -1, -1, -1}}));
}

TEST_F(FolderGroups, AMalformedTableNamesFileAndLine) {
  const std::string good = header_ + "train/sad/b.png,S1\n";
  EXPECT_EQ(error_of_table(good), "");
  std::filesystem::remove(out_);
  EXPECT_THAT(error_of_table(good + "train/sad/x.png,S1\n"), HasSubstr(at_ + ":3: \"train/sad/x.png\" is none of the"));
  EXPECT_THAT(error_of_table(good + "./train/sad/a.PNG,S1\n"), HasSubstr(at_ + ":3: \"./train/sad/a.PNG\" is none of"));
  EXPECT_THAT(error_of_table(good + "train/sad/b.png,S2\n"), HasSubstr(at_ + ":3: train/sad/b.png is there twice"));
  EXPECT_THAT(error_of_table(good + "train/sad/a.PNG\n"), HasSubstr(at_ + ":3: 1 fields, but the header has 2"));
  EXPECT_THAT(error_of_table(good + "train/sad/a.PNG,a\tb\n"), HasSubstr(at_ + ":3: the subject is no plain text"));
  EXPECT_THAT(error_of_table(header_ + "train/sad/b.png,\n"),
              HasSubstr(at_ + ":1: the column subject is empty in every"));
  EXPECT_THAT(error_of_table("file,subject\n"), HasSubstr(at_ + ":1: expected the header path,NAME,..."));
  EXPECT_THAT(error_of_table("path\n"), HasSubstr(at_ + ":1: expected the header path,NAME,..."));
  EXPECT_THAT(error_of_table("path,a/b\n"), HasSubstr(at_ + ":1: the name of group column 0"));
  EXPECT_THAT(error_of_table("path,a,a\n"), HasSubstr(at_ + ":1: two columns have the same name"));
  EXPECT_THAT(error_of_table(""), HasSubstr(at_ + ":1: the table is empty"));
  EXPECT_THAT(out_folder_.names(), IsEmpty());
}

TEST_F(ImageFolder, ProgressIsThatOfEachSplit) {
  FolderOptions options;
  std::vector<std::pair<std::int64_t, std::int64_t>> told;
  options.common.progress = [&](std::int64_t done, std::int64_t total) { told.emplace_back(done, total); };
  import(options);
  EXPECT_THAT(told, ElementsAre(Pair(0, 4), Pair(1, 4), Pair(2, 4), Pair(3, 4), Pair(4, 4), Pair(0, 0), Pair(0, 1),
                                Pair(1, 1)));
}

TEST_F(ImageFolder, OtherFilesArePassedOverAndCounted) {
  write_bytes(dir_ / "train/README.txt", "x");
  write_bytes(dir_ / "train/sad/labels.csv", "x");
  write_bytes(dir_ / "train/sad/.DS_Store", "x");
  write_bytes(dir_ / "train/.cache/x.png", "x");
  const ImportReport report = import();
  EXPECT_EQ(report.splits[0].kept, 4);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("passed over 2 files"), HasSubstr("no split val")));
}

TEST_F(ImageFolder, AClassThatTrainLacksIsNamed) {
  put_png(dir_ / "test/fear/1.png", test_image(8, 1, 1));
  EXPECT_THAT(error(), HasSubstr("test/fear: train has no class of this name"));
}

TEST_F(ImageFolder, AFolderWithoutImagesIsAClearLine) {
  const Folder empty;
  const auto error_of = [&](const std::filesystem::path& dir) {
    return complaint([&] { import_folder(dir, out_, {}); });
  };
  EXPECT_THAT(error_of(empty / "none"), HasSubstr("none: no such folder"));
  EXPECT_THAT(error_of(empty.path()), HasSubstr("has no train/{class}/"));
  std::filesystem::create_directories(empty / "train/sad");
  EXPECT_THAT(error_of(empty.path()), HasSubstr("has no train/{class}/"));
}

}  // namespace
}  // namespace penumbra::data::testing
