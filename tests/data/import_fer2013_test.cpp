#include <algorithm>

#include <gmock/gmock.h>

#include "data/import/fer2013.h"
#include "tests/data/import_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kHeader = "emotion,pixels,Usage\n";

std::string pixel_text(int seed) {
  std::string text;
  for (const int value : test_image(48, 1, seed).pixels)
    text.append(text.empty() ? "" : " ").append(std::to_string(value));
  return text;
}

std::string row(const std::string& emotion, int seed, const std::string& usage) {
  return emotion + "," + pixel_text(seed) + "," + usage + "\n";
}

class Fer2013 : public ::testing::Test {
 protected:
  ImportReport import(const std::string& text) {
    write_bytes(table_, text);
    return import_fer2013(dir_.path(), out_);
  }
  std::string error(const std::string& text) {
    return complaint([&] { import(text); });
  }

  Folder dir_, out_folder_;
  std::filesystem::path table_ = dir_ / "fer2013.csv", out_ = out_folder_ / "x.h5";
};

TEST_F(Fer2013, LabelsPixelsAndIdsFollowTheTable) {
  const ImportReport report = import(kHeader + row("6", 1, "Training") + row("0", 2, "PrivateTest") +
                                     row("3", 3, "PublicTest") + row("1", 4, "Training"));
  const StoreReader reader(out_);
  EXPECT_THAT(reader.splits(), ElementsAre("train", "val", "test"));
  EXPECT_THAT(reader.info().classes, ElementsAre("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"));
  EXPECT_THAT(reader.info().vote_columns, IsEmpty());
  EXPECT_EQ(reader.info().image_size, 48);
  EXPECT_EQ(reader.info().channels, 1);
  const SampleSet train = reader.load("train");
  EXPECT_THAT(train.labels, ElementsAre(6, 1));
  EXPECT_THAT(train.ids, ElementsAre("fer2013/2", "fer2013/5"));
  EXPECT_TRUE(std::ranges::equal(train.image(0), test_image(48, 1, 1).pixels));
  EXPECT_TRUE(std::ranges::equal(train.image(1), test_image(48, 1, 4).pixels));
  EXPECT_THAT(reader.load("val").labels, ElementsAre(3));
  EXPECT_THAT(reader.load("test").labels, ElementsAre(0));
  ASSERT_EQ(report.splits.size(), 3u);
  EXPECT_EQ(report.splits[0].kept, 2);
  EXPECT_THAT(report.notes, IsEmpty());
}

TEST_F(Fer2013, TheTableItselfMayBeGivenInsteadOfItsFolder) {
  write_bytes(table_, kHeader + row("6", 1, "Training"));
  import_fer2013(table_, out_);
  EXPECT_THAT(StoreReader(out_).load("train").labels, ElementsAre(6));
}

TEST_F(Fer2013, AMissingSplitIsLeftOutWithANote) {
  const ImportReport report = import(kHeader + row("6", 1, "Training") + row("2", 2, "PrivateTest"));
  EXPECT_THAT(StoreReader(out_).splits(), ElementsAre("train", "test"));
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("has no row of PublicTest")));
}

TEST_F(Fer2013, AMalformedRowNamesFileAndLine) {
  const std::string at = table_.string(), good = kHeader + row("6", 1, "Training");
  EXPECT_THAT(error(good + row("7", 1, "Training")), HasSubstr(at + ":3: emotion is \"7\""));
  EXPECT_THAT(error(good + row("-1", 1, "Training")), HasSubstr(at + ":3: emotion is \"-1\""));
  EXPECT_THAT(error(good + row("1", 1, "Testing")), HasSubstr(at + ":3: Usage is \"Testing\""));
  EXPECT_THAT(error(good + "1,0 1 2,Training\n"), HasSubstr(at + ":3: pixels are not 48x48"));
  EXPECT_THAT(error(good + "1," + pixel_text(1) + " 0,Training\n"), HasSubstr(at + ":3: pixels are not 48x48"));
  EXPECT_THAT(error(good + "1," + pixel_text(1)), HasSubstr(at + ":3: 2 fields"));
  EXPECT_THAT(error("emotion,Usage\n"), HasSubstr("no column \"pixels\""));
  EXPECT_THAT(error(kHeader), HasSubstr(at + ": has no row"));
  EXPECT_THAT(out_folder_.names(), IsEmpty());
}

TEST_F(Fer2013, AMissingTableIsNamed) {
  EXPECT_THAT(complaint([&] { import_fer2013(dir_.path(), out_); }), HasSubstr("fer2013.csv: no such file"));
  EXPECT_THAT(complaint([&] { import_fer2013(dir_ / "none.csv", out_); }), HasSubstr("none.csv: no such file"));
}

}  // namespace
}  // namespace penumbra::data::testing
