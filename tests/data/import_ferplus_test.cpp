#include <algorithm>
#include <array>
#include <sstream>

#include <gmock/gmock.h>

#include "data/import/ferplus.h"
#include "tests/data/import_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kHeader =
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n";

/// Votes and what the rules make of them, worked out by hand from the published description; -1: dropped.
struct Case {
  std::array<int, 10> votes;
  int majority, argmax;
};
constexpr std::array<Case, 14> kCases = {{
    {{6, 0, 1, 1, 0, 0, 0, 0, 2, 0}, 0, 0},     // 6 of 8
    {{4, 0, 0, 4, 1, 0, 0, 0, 1, 0}, -1, 0},    // a tie: half of 8 is not more than half; the first wins
    {{5, 0, 0, 3, 0, 0, 0, 0, 2, 0}, -1, 0},    // exactly half of 10
    {{5, 0, 0, 3, 1, 0, 0, 0, 1, 0}, 0, 0},     // the votes of 1 dropped: 5 of 8
    {{0, 0, 0, 1, 0, 1, 0, 0, 8, 0}, -1, -1},   // unknown wins
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 10}, -1, -1},  // no face
    {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, -1, 0},    // nothing remains
    {{0, 1, 0, 0, 0, 0, 1, 3, 3, 2}, -1, 7},    // contempt and unknown tie: the class comes first
    {{0, 0, 4, 0, 0, 1, 0, 0, 4, 1}, -1, 2},    // the same with exactly half
    {{0, 0, 3, 0, 1, 1, 1, 1, 1, 2}, 2, 2},     // 3 of 5, though 3 of 10 before
    {{1, 1, 1, 1, 1, 2, 1, 1, 1, 0}, 5, 5},     // 2 of 2
    {{0, 0, 0, 0, 0, 0, 0, 6, 0, 4}, 7, 7},     // NF counts in the sum: 6 of 10
    {{0, 4, 0, 1, 0, 0, 0, 0, 0, 5}, -1, -1},   // NF wins with a plurality
    {{0, 0, 0, 0, 2, 2, 2, 2, 2, 0}, -1, 4},    // many tie
}};

std::string row_text(const std::string& usage, const std::string& name, const std::array<int, 10>& votes) {
  std::string text = usage + "," + name;
  for (const int count : votes) text.append(",").append(std::to_string(count));
  return text + "\n";
}

std::string image_name(std::size_t index) {
  const std::string digits = std::to_string(index);
  return "fer" + std::string(7 - digits.size(), '0') + digits + ".png";
}

/// All cases in train, the first and the eleventh once more in val, the twelfth in test; images in the published
/// layout.
class Ferplus : public ::testing::Test {
 protected:
  Ferplus() {
    for (const Case& c : kCases) add("Training", "FER2013Train", c.votes);
    add("PublicTest", "FER2013Valid", kCases[0].votes);
    add("PublicTest", "FER2013Valid", kCases[10].votes);
    add("PrivateTest", "FER2013Test", kCases[11].votes);
    write_tables();
  }
  void add(const std::string& usage, const std::string& folder, const std::array<int, 10>& votes) {
    const std::string name = image_name(count_);
    const Image image = test_image(48, 1, static_cast<int>(count_++));
    put_png(dir_ / (folder + "/" + name), image);
    table_ += row_text(usage, name, votes);
    pixel_table_ += "3,";
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      pixel_table_.append(i == 0 ? "" : " ").append(std::to_string(image.pixels[i]));
    pixel_table_ += "," + usage + "\n";
  }
  void write_tables() { write_bytes(dir_ / "fer2013new.csv", table_); }
  void to_pixel_table() {
    for (const char* folder : {"FER2013Train", "FER2013Valid", "FER2013Test"})
      std::filesystem::remove_all(dir_ / folder);
    write_bytes(dir_ / "fer2013.csv", pixel_table_);
  }
  ImportReport import(LabelRule rule = LabelRule::majority, bool skip_bad = false) {
    return import_ferplus(dir_.path(), out_, rule, {skip_bad});
  }
  std::string error(LabelRule rule = LabelRule::majority, bool skip_bad = false) {
    return complaint([&] { import(rule, skip_bad); });
  }

  Folder dir_, out_folder_;
  std::filesystem::path out_ = out_folder_ / "x.h5";
  std::size_t count_ = 0;
  std::string table_ = kHeader, pixel_table_ = "emotion,pixels,Usage\n";
};

TEST_F(Ferplus, LabelsVotesPixelsAndIdsFollowTheRules) {
  for (const LabelRule rule : {LabelRule::majority, LabelRule::argmax}) {
    const ImportReport report = import(rule);
    const SampleSet set = StoreReader(out_).load("train");
    std::int64_t row = 0;
    for (std::size_t i = 0; i < kCases.size(); ++i) {
      const int label = rule == LabelRule::majority ? kCases[i].majority : kCases[i].argmax;
      if (label < 0) continue;
      ASSERT_LT(row, set.size());
      const auto at = static_cast<std::size_t>(row);
      EXPECT_EQ(set.labels[at], label) << "case " << i;
      EXPECT_EQ(set.ids[at], image_name(i));
      EXPECT_TRUE(std::ranges::equal(set.image(row), test_image(48, 1, static_cast<int>(i)).pixels)) << "case " << i;
      for (std::size_t v = 0; v < 10; ++v) EXPECT_EQ(set.votes[at * 10 + v], static_cast<float>(kCases[i].votes[v]));
      ++row;
    }
    EXPECT_EQ(row, set.size());
    EXPECT_EQ(report.splits[0].kept, rule == LabelRule::majority ? 5 : 11);
    EXPECT_EQ(report.splits[0].dropped_by_rule, rule == LabelRule::majority ? 9 : 3);
  }
}

TEST_F(Ferplus, TheStoreSaysWhereItComesFrom) {
  for (const LabelRule rule : {LabelRule::majority, LabelRule::argmax}) {
    const ImportReport report = import(rule);
    const StoreReader reader(out_);
    EXPECT_THAT(reader.info().classes,
                ElementsAre("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"));
    EXPECT_EQ(reader.info().vote_columns.size(), 10u);
    EXPECT_EQ(reader.info().vote_columns[8], "unknown");
    EXPECT_EQ(reader.info().vote_columns[9], "NF");
    EXPECT_EQ(reader.info().image_size, 48);
    EXPECT_EQ(reader.info().channels, 1);
    EXPECT_EQ(reader.info().source, "FERPlus");
    EXPECT_EQ(reader.info().label_rule, rule == LabelRule::majority ? "majority" : "argmax");
    EXPECT_THAT(reader.splits(), ElementsAre("train", "val", "test"));
    EXPECT_EQ(reader.load("val").labels, (std::vector<std::int32_t>{0, 5}));
    EXPECT_EQ(reader.load("test").labels, (std::vector<std::int32_t>{7}));
    EXPECT_THAT(report.notes, IsEmpty());
  }
}

TEST_F(Ferplus, BothPixelSourcesGiveTheSameStore) {
  import(LabelRule::argmax);
  const StoreReader images(out_);
  to_pixel_table();
  import_ferplus(dir_.path(), out_folder_ / "y.h5", LabelRule::argmax, {});
  const StoreReader table(out_folder_ / "y.h5");
  ASSERT_EQ(table.splits(), images.splits());
  for (const std::string& split : images.splits()) {
    EXPECT_EQ(table.load(split).pixels, images.load(split).pixels);
    EXPECT_EQ(table.load(split).ids, images.load(split).ids);
    EXPECT_EQ(fingerprint(table.load(split)), fingerprint(images.load(split)));
  }
}

TEST_F(Ferplus, ColumnsAreFoundByNameNotByPlace) {
  import();
  const std::uint64_t expected = fingerprint(StoreReader(out_).load("train"));
  std::string moved, line;
  for (std::istringstream lines(table_); std::getline(lines, line);) {
    const std::size_t last = line.rfind(',');
    moved += line.substr(last + 1) + "," + line.substr(0, last) + "\r\n";
  }
  write_bytes(dir_ / "fer2013new.csv", moved);
  import();
  EXPECT_EQ(fingerprint(StoreReader(out_).load("train")), expected);
}

TEST_F(Ferplus, AMissingSplitIsLeftOutWithANote) {
  std::filesystem::remove_all(dir_ / "FER2013Test");
  const ImportReport report = import();
  EXPECT_THAT(StoreReader(out_).splits(), ElementsAre("train", "val"));
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_THAT(report.notes[0], HasSubstr("no split test"));
  EXPECT_THAT(report.notes[0], HasSubstr("FER2013Test is missing"));
  EXPECT_EQ(report.splits.size(), 2u);
}

TEST_F(Ferplus, ACorruptImageIsAnErrorOrNamedCountedAndLeftOut) {
  const std::filesystem::path bad = dir_ / ("FER2013Train/" + image_name(3));
  write_bytes(bad, read_bytes(bad).substr(0, 60));
  EXPECT_THAT(error(), HasSubstr(bad.string() + ": corrupt PNG"));
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_THAT(out_folder_.names(), IsEmpty());
  const ImportReport report = import(LabelRule::majority, true);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr(bad.string())));
  EXPECT_EQ(report.splits[0].kept, 4);
  EXPECT_EQ(report.splits[0].bad_images, 1);
  EXPECT_EQ(report.splits[0].dropped_by_rule, 9);
  const SampleSet set = StoreReader(out_).load("train");
  EXPECT_THAT(set.ids, ElementsAre(image_name(0), image_name(9), image_name(10), image_name(11)));
  EXPECT_THAT(set.labels, ElementsAre(0, 2, 5, 7));
  EXPECT_TRUE(std::ranges::equal(set.image(1), test_image(48, 1, 9).pixels));
  EXPECT_TRUE(std::ranges::equal(set.image(3), test_image(48, 1, 11).pixels));
}

TEST_F(Ferplus, TheFirstBadImageInOrderIsTheOneNamed) {
  for (const std::size_t i : {0u, 3u, 9u, 10u}) write_bytes(dir_ / ("FER2013Train/" + image_name(i)), "no image");
  for (int repeat = 0; repeat < 20; ++repeat) EXPECT_THAT(error(), HasSubstr(image_name(0)));
}

TEST_F(Ferplus, AMissingImageIsNamed) {
  std::filesystem::remove(dir_ / ("FER2013Train/" + image_name(3)));
  EXPECT_THAT(error(), HasSubstr(image_name(3) + ": no such file"));
}

TEST_F(Ferplus, ImagesOfDroppedRowsAreNotRead) {
  std::filesystem::remove(dir_ / ("FER2013Train/" + image_name(1)));
  EXPECT_EQ(error(LabelRule::majority), "");
  EXPECT_THAT(error(LabelRule::argmax), HasSubstr(image_name(1)));
}

TEST_F(Ferplus, AnotherSizeIsAnErrorThatNamesFileAndSize) {
  const std::filesystem::path file = dir_ / ("FER2013Valid/" + image_name(14));
  put_png(file, test_image(47, 1, 0));
  for (const bool skip_bad : {false, true})
    EXPECT_THAT(error(LabelRule::majority, skip_bad), HasSubstr(file.string() + ": is 47x47 pixels"));
}

TEST_F(Ferplus, MalformedVotesNameFileAndLine) {
  const std::string at = (dir_ / "fer2013new.csv").string();
  const auto error_of = [&](const std::string& text) {
    write_bytes(dir_ / "fer2013new.csv", text);
    return error(LabelRule::argmax);
  };
  const std::string good = row_text("Training", image_name(0), kCases[0].votes), header = kHeader;
  EXPECT_THAT(error_of(header + good + "Training,fer0000001.png,6,0,x,1,0,0,0,0,2,0\n"),
              HasSubstr(at + ":3: surprise is \"x\""));
  EXPECT_THAT(error_of(header + good + "Training,fer0000001.png,6,0,-1,1,0,0,0,0,2,0\n"),
              HasSubstr(at + ":3: surprise is \"-1\""));
  EXPECT_THAT(error_of(header + good + "Training,fer0000001.png,6,0\n"), HasSubstr(at + ":3: 4 fields"));
  EXPECT_THAT(error_of(header + good + "Testing,fer0000001.png,6,0,0,1,0,0,0,0,2,0\n"),
              HasSubstr(at + ":3: Usage is \"Testing\""));
  EXPECT_THAT(error_of(header + good + "Training,,6,0,0,1,0,0,0,0,2,0\n"), HasSubstr(at + ":3: "));
  EXPECT_THAT(error_of(header + good + row_text("Training", "fer0000001.png", {})),
              HasSubstr(at + ":3: fer0000001.png has no vote for any"));
  EXPECT_THAT(error_of("Usage,Image name,neutral\n"), HasSubstr(at + ":1: the header has no column \"happiness\""));
  EXPECT_THAT(error_of(header + row_text("Training", "", kCases[5].votes)), HasSubstr("has no face"));
}

TEST_F(Ferplus, RowsWithoutAnImageThatTheRuleDropsAreFine) {
  table_ += row_text("Training", "", kCases[5].votes);
  write_tables();
  EXPECT_EQ(import().splits[0].dropped_by_rule, 10);
}

TEST_F(Ferplus, AMalformedPixelTableNamesFileAndLine) {
  to_pixel_table();
  const std::string at = (dir_ / "fer2013.csv").string();
  const auto error_of = [&](const std::string& text) {
    write_bytes(dir_ / "fer2013.csv", text);
    return error();
  };
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = pixel_table_;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  EXPECT_THAT(error_of(replaced("3,0 7 ", "3,0 256 ")), HasSubstr(at + ":2: pixels are not 48x48 numbers"));
  EXPECT_THAT(error_of(replaced("3,0 7 ", "3,0 7x ")), HasSubstr(at + ":2: pixels are not"));
  EXPECT_THAT(error_of(replaced("3,0 7 ", "3,0  7 ")), HasSubstr(at + ":2: pixels are not"));
  EXPECT_THAT(error_of(replaced("3,0 7 ", "3,7 ")), HasSubstr(at + ":2: pixels are not"));
  EXPECT_THAT(error_of(replaced("3,0 7 ", "3,1 0 7 ")), HasSubstr(at + ":2: pixels are not"));
  EXPECT_THAT(error_of(replaced(",PublicTest\n", ",Training\n")), HasSubstr(at + ":16: Usage is \"Training\""));
  EXPECT_THAT(error_of(pixel_table_ + "3,0,Training\n"), HasSubstr(at + ":19: more rows"));
  EXPECT_THAT(error_of("emotion,pixels,Usage\n"), HasSubstr(at + ": has 0 rows, fer2013new.csv has 17"));
  EXPECT_THAT(error_of("emotion,pixel,Usage\n"), HasSubstr(at + ":1: the header has no column \"pixels\""));
}

TEST_F(Ferplus, AFolderWithoutTheSetIsAClearLine) {
  const Folder empty;
  const auto error_of = [&](const std::filesystem::path& dir) {
    return complaint([&] { import_ferplus(dir, out_, LabelRule::majority, {}); });
  };
  EXPECT_THAT(error_of(empty / "none"), HasSubstr("none: no such folder"));
  EXPECT_THAT(error_of(empty.path()), HasSubstr("has no fer2013new.csv"));
  write_bytes(empty / "fer2013new.csv", table_);
  EXPECT_THAT(error_of(empty.path()), HasSubstr("nor fer2013.csv"));
  EXPECT_FALSE(std::filesystem::exists(out_));
}

}  // namespace
}  // namespace penumbra::data::testing
