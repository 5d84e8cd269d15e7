#include <algorithm>

#include <gmock/gmock.h>

#include "data/import/affectnet.h"
#include "tests/data/import_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kHeader =
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n";

/// Both editions: where the store goes, and what goes wrong.
class Affectnet : public ::testing::Test {
 protected:
  ImportReport import(const AffectnetOptions& options = {}) { return import_affectnet(dir_.path(), out_, options); }
  std::string error(const AffectnetOptions& options = {}) {
    return complaint([&] { import(options); });
  }
  static AffectnetOptions sized(int size) {
    AffectnetOptions options;
    options.size = size;
    return options;
  }
  SampleSet load(const std::string& split) { return StoreReader(out_).load(split); }

  Folder dir_, out_folder_;
  std::filesystem::path out_ = out_folder_ / "x.h5";
};

/// training.csv and validation.csv with images that are larger than the faces in them.
class AffectnetTables : public Affectnet {
 protected:
  // A PNG under the JPEG's name: the content decides, and the pixels stay exact.
  void put(const std::string& name, const Image& image) {
    put_png(dir_ / ("Manually_Annotated_Images/" + name), image);
  }
  static std::string row(const std::string& name, const std::string& box, const std::string& label) {
    return name + "," + box + ",140.5;150.25;141;160," + label + ",-0.5,0.25\n";
  }
  void list(const std::string& rows) { write_bytes(training_, kHeader + rows); }
  std::string error_of_list(const std::string& rows) {
    list(rows);
    return error();
  }

  std::filesystem::path training_ = dir_ / "training.csv", validation_ = dir_ / "validation.csv";
};

/// One image a label from 0 to 10, with its label in its pixels.
class AffectnetLabels : public AffectnetTables {
 protected:
  AffectnetLabels() {
    std::string rows;
    for (int label = 0; label <= 10; ++label) {
      const std::string name = "7/" + std::to_string(label) + ".jpg";
      rows += row(name, label < 8 ? "0,0,8,8" : "NULL,NULL,NULL,NULL", std::to_string(label));
      if (label < 8) put(name, test_image(8, 3, label));
    }
    list(rows);
    write_bytes(validation_, kHeader + row("9/v.jpg", "0,0,8,8", "3") + row("9/w.jpg", "0,0,8,8", "8"));
    put("9/v.jpg", test_image(8, 3, 20));
  }
};

TEST_F(AffectnetLabels, TheEightEmotionsAreKeptInTheirOrder) {
  const ImportReport report = import(sized(8));
  const StoreReader reader(out_);
  EXPECT_THAT(reader.splits(), ElementsAre("train", "val"));
  EXPECT_THAT(reader.info().classes,
              ElementsAre("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"));
  EXPECT_THAT(reader.info().vote_columns, IsEmpty());
  EXPECT_EQ(reader.info().source, "AffectNet");
  EXPECT_EQ(reader.info().channels, 3);
  const SampleSet train = reader.load("train");
  EXPECT_THAT(train.labels, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(train.ids,
              ElementsAre("7/0.jpg", "7/1.jpg", "7/2.jpg", "7/3.jpg", "7/4.jpg", "7/5.jpg", "7/6.jpg", "7/7.jpg"));
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(std::ranges::equal(train.image(i), test_image(8, 3, i).pixels)) << i;
  const SampleSet val = reader.load("val");
  EXPECT_THAT(val.labels, ElementsAre(3));
  EXPECT_THAT(val.ids, ElementsAre("9/v.jpg"));
  ASSERT_EQ(report.splits.size(), 2u);
  EXPECT_EQ(report.splits[0].kept, 8);
  EXPECT_EQ(report.splits[0].dropped_by_rule, 3);
  EXPECT_EQ(report.splits[1].kept, 1);
  EXPECT_EQ(report.splits[1].dropped_by_rule, 1);
  EXPECT_THAT(report.notes, IsEmpty());
}

TEST_F(AffectnetLabels, SevenClassesDropContempt) {
  AffectnetOptions options = sized(8);
  options.classes = 7;
  const ImportReport report = import(options);
  EXPECT_THAT(StoreReader(out_).info().classes,
              ElementsAre("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger"));
  EXPECT_THAT(load("train").labels, ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(report.splits[0].kept, 7);
  EXPECT_EQ(report.splits[0].dropped_by_rule, 4);
}

TEST_F(AffectnetLabels, SizeAndChannelsFollowTheOptions) {
  import();
  EXPECT_EQ(StoreReader(out_).info().image_size, 112);
  AffectnetOptions options = sized(24);
  options.channels = 1;
  out_ = out_folder_ / "grey.h5";
  import(options);
  EXPECT_EQ(StoreReader(out_).info().image_size, 24);
  EXPECT_EQ(StoreReader(out_).info().channels, 1);
  EXPECT_TRUE(std::ranges::equal(load("train").image(2), to_channels(resize(test_image(8, 3, 2), 24), 1).pixels));
}

TEST_F(AffectnetLabels, TheListsMayLieInTheirOwnFolder) {
  const std::filesystem::path lists = dir_ / "Manually_Annotated_file_lists";
  std::filesystem::create_directory(lists);
  std::filesystem::rename(training_, lists / "training.csv");
  std::filesystem::rename(validation_, lists / "validation.csv");
  import(sized(8));
  EXPECT_EQ(load("train").size(), 8);
  EXPECT_EQ(load("val").size(), 1);
}

TEST_F(AffectnetLabels, AMissingTableIsASplitLessWithANote) {
  std::filesystem::remove(training_);
  const ImportReport report = import(sized(8));
  EXPECT_THAT(StoreReader(out_).splits(), ElementsAre("val"));
  EXPECT_THAT(report.notes, ElementsAre("no split train: " + training_.string() + " is missing"));
}

TEST_F(AffectnetLabels, ASplitWithoutAFaceIsLeftOutWithANote) {
  write_bytes(validation_, kHeader + row("9/w.jpg", "0,0,8,8", "10"));
  EXPECT_THAT(import(sized(8)).notes, ElementsAre("no split val: " + validation_.string() + " lists no usable face"));
  std::filesystem::remove(training_);
  EXPECT_THAT(error(), HasSubstr(": has no usable face of the classes"));
}

TEST_F(AffectnetLabels, ACorruptOrMissingImageIsAnErrorOrLeftOut) {
  write_bytes(dir_ / "Manually_Annotated_Images/7/2.jpg", "BM, a bitmap");
  EXPECT_THAT(error(), HasSubstr("7/2.jpg: is neither a PNG nor a JPEG"));
  EXPECT_THAT(out_folder_.names(), IsEmpty());
  std::filesystem::remove(dir_ / "Manually_Annotated_Images/7/0.jpg");
  EXPECT_THAT(error(), HasSubstr("7/0.jpg: no such file"));
  AffectnetOptions options = sized(8);
  options.common.skip_bad = true;
  const ImportReport report = import(options);
  EXPECT_EQ(report.splits[0].kept, 6);
  EXPECT_EQ(report.splits[0].bad_images, 2);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("7/0.jpg"), HasSubstr("7/2.jpg")));
  const SampleSet train = load("train");
  EXPECT_THAT(train.labels, ElementsAre(1, 3, 4, 5, 6, 7));
  EXPECT_TRUE(std::ranges::equal(train.image(1), test_image(8, 3, 3).pixels));
}

TEST_F(AffectnetLabels, AFaceInBothTablesIsNamed) {
  write_bytes(validation_, kHeader + row("7/4.jpg", "0,0,8,8", "3"));
  EXPECT_THAT(error(), EndsWith("\"7/4.jpg\" is in train and in val; a face must be in one split only"));
}

TEST_F(AffectnetTables, EachFaceIsCutOutByItsOwnBox) {
  Image image{20, 10, 3, {}};  // red says the column, green the row
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 20; ++x) {
      for (const int value : {x, y, 7}) image.pixels.push_back(static_cast<std::uint8_t>(value));
    }
  }
  put("1/a.jpg", image);
  put("1/b.jpg", image);
  put("1/c.png", image);
  list(row("1/a.jpg", "3,2,4,4", "1") + row("1/none.jpg", "-1,-1,-1,-1", "10") + row("1/b.jpg", "-2,-3,6,7", "2") +
       row("1/c.png", "15,5,2,4", "3"));
  import(sized(4));
  const SampleSet train = load("train");
  ASSERT_EQ(train.size(), 3);
  const int corners[3][2] = {{3, 2}, {0, 0}, {14, 5}};
  for (int i = 0; i < 3; ++i) {
    std::size_t at = 0;
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 4; ++x) {
        for (const int value : {corners[i][0] + x, corners[i][1] + y, 7})
          EXPECT_EQ(train.image(i)[at++], value) << i << ' ' << x << ' ' << y;
      }
    }
  }
}

TEST_F(AffectnetTables, AJpegIsReadUnderItsName) {
  write_bytes(dir_ / "Manually_Annotated_Images/1/a.jpg", jpeg_bytes(test_image(100, 3, 3)));
  list(row("1/a.jpg", "10,10,50,50", "1"));
  import();
  EXPECT_EQ(load("train").image(0).size(), 112u * 112u * 3u);
}

TEST_F(AffectnetTables, AMalformedTableNamesFileAndLine) {
  put("1/a.jpg", test_image(8, 3, 1));
  const std::string at = training_.string(), good = row("1/a.jpg", "0,0,8,8", "1");
  EXPECT_THAT(error_of_list(good + row("1/b.jpg", "0,0,8,8", "11")), HasSubstr(at + ":3: expression is \"11\""));
  EXPECT_THAT(error_of_list(good + row("1/b.jpg", "0,0,8,8", "-1")), HasSubstr(at + ":3: expression is \"-1\""));
  EXPECT_THAT(error_of_list(good + row("1/b.jpg", "0,0,8,8", "")), HasSubstr(at + ":3: expression is \"\""));
  EXPECT_THAT(error_of_list(good + row("1/b.jpg", "x,0,8,8", "1")), HasSubstr(at + ":3: face_x is \"x\""));
  EXPECT_THAT(error_of_list(good + row("1/b.jpg", "0,0.5,8,8", "1")), HasSubstr(at + ":3: face_y is \"0.5\""));
  EXPECT_THAT(error_of_list(good + row("1/b.jpg", "0,0,1000001,8", "1")),
              HasSubstr(at + ":3: face_width is \"1000001"));
  EXPECT_THAT(error_of_list(good + row("1/b.jpg", "0,0,8,", "1")), HasSubstr(at + ":3: face_height is \"\""));
  EXPECT_THAT(error_of_list(good + "1/b.jpg,0,0,8,8\n"), HasSubstr(at + ":3: 5 fields, but the header has 9"));
  for (const char* name : {"", "1/", "/etc/a.jpg", "../a.jpg", "1/../../a.jpg"}) {
    EXPECT_THAT(
        error_of_list(good + row(name, "0,0,8,8", "1")),
        HasSubstr(at + ":3: \"" + name + "\" is no path below " + (dir_ / "Manually_Annotated_Images").string()));
  }
  EXPECT_THAT(out_folder_.names(), IsEmpty());
}

TEST_F(AffectnetTables, ABoxWithoutAPixelNamesFileAndLine) {
  put("1/a.jpg", test_image(8, 3, 1));
  put("1/b.jpg", test_image(8, 3, 2));
  const std::string at = training_.string(), good = row("1/a.jpg", "0,0,8,8", "1");
  for (const char* box : {"0,0,0,8", "0,0,8,0", "-1,-1,-1,-1"})
    EXPECT_THAT(error_of_list(good + row("1/b.jpg", box, "1")), HasSubstr(at + ":3: the face's box is empty")) << box;
  for (const char* box : {"8,0,3,3", "0,9,3,3", "-3,0,3,3"}) {
    EXPECT_THAT(error_of_list(good + row("1/none.jpg", "0,0,0,0", "10") + row("1/b.jpg", box, "1")),
                AllOf(HasSubstr(at + ":4: the face's box lies outside "), HasSubstr("1/b.jpg, which is 8x8 pixels")))
        << box;
  }
  EXPECT_THAT(out_folder_.names(), IsEmpty());
}

TEST_F(AffectnetTables, ATableWithoutItsHeaderIsNamed) {
  put("1/a.jpg", test_image(8, 3, 1));
  list(row("1/a.jpg", "0,0,8,8", "1"));
  write_bytes(validation_, row("1/b.jpg", "0,1,8,9", "2"));
  EXPECT_THAT(error(), HasSubstr(validation_.string() + ":1: the header has no column \"subDirectory_filePath\""));
  write_bytes(validation_, row("1/b.jpg", "0,0,8,8", "2"));
  EXPECT_THAT(error(),
              HasSubstr(validation_.string() + ":1: two columns have the same name, or the header row is missing"));
  write_bytes(validation_, "");
  EXPECT_THAT(error(), HasSubstr(validation_.string() + ":1: the table is empty, expected a header row"));
}

TEST_F(AffectnetTables, AnotherFolderIsNamed) {
  EXPECT_THAT(error(), EndsWith(": has neither {training,validation}.csv nor {train,val}_set/"));
  EXPECT_THAT(error_of_list(row("1/a.jpg", "0,0,8,8", "1")), EndsWith("Manually_Annotated_Images: no such folder"));
  std::filesystem::create_directory(dir_ / "val_set");
  EXPECT_THAT(error(), EndsWith(": has both {training,validation}.csv and {train,val}_set/; keep one"));
  EXPECT_THAT(complaint([&] { import_affectnet(dir_ / "none", out_, {}); }), EndsWith("none: no such folder"));
}

/// {train,val}_set/ with faces and their labels in NumPy's files.
class AffectnetSets : public Affectnet {
 protected:
  AffectnetSets() {
    for (int label = 0; label <= 10; ++label)
      put("train_set", std::to_string(100 - label), std::to_string(label), test_image(8, 3, label));
    put("val_set", "5", "6", test_image(8, 3, 30));
  }
  std::filesystem::path image(const std::string& set, const std::string& id) {
    return dir_ / (set + "/images/" + id + ".jpg");
  }
  std::filesystem::path label_file(const std::string& set, const std::string& id) {
    return dir_ / (set + "/annotations/" + id + "_exp.npy");
  }
  /// `label` as numpy.save writes a string: of 4 bytes a character.
  void put(const std::string& set, const std::string& id, const std::string& label, const Image& face) {
    put_png(image(set, id), face);
    std::string item,
        header = "{'descr': '<U" + std::to_string(label.size()) + "', 'fortran_order': False, 'shape': (), }";
    header.resize(117, ' ');
    for (const char character : label) item += character + std::string(3, '\0');
    write_bytes(label_file(set, id), std::string("\x93NUMPY\1\0\x76\0", 10) + header + "\n" + item);
  }
};

TEST_F(AffectnetSets, LabelsPixelsAndIdsFollowTheFiles) {
  write_bytes(dir_ / "train_set/annotations/100_val.npy", "not read");
  write_bytes(dir_ / "train_set/annotations/100_lnd.npy", "not read");
  write_bytes(dir_ / "train_set/annotations/._100_exp.npy", "a Mac's");
  write_bytes(dir_ / "train_set/images/._100.jpg", "a Mac's");
  const ImportReport report = import(sized(8));
  const StoreReader reader(out_);
  EXPECT_THAT(reader.splits(), ElementsAre("train", "val"));
  EXPECT_THAT(reader.info().classes,
              ElementsAre("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"));
  const SampleSet train = reader.load("train");
  EXPECT_THAT(train.labels, ElementsAre(0, 7, 6, 5, 4, 3, 2, 1));  // by name: 100, 93, 94, ... 99
  EXPECT_EQ(train.ids.front(), "train_set/100");
  EXPECT_EQ(train.ids.back(), "train_set/99");
  for (int i = 0; i < 8; ++i)
    EXPECT_TRUE(std::ranges::equal(train.image(i), test_image(8, 3, train.labels[static_cast<std::size_t>(i)]).pixels))
        << i;
  EXPECT_THAT(reader.load("val").labels, ElementsAre(6));
  EXPECT_THAT(reader.load("val").ids, ElementsAre("val_set/5"));
  EXPECT_EQ(report.splits[0].kept, 8);
  EXPECT_EQ(report.splits[0].dropped_by_rule, 3);
  EXPECT_EQ(report.splits[1].dropped_by_rule, 0);
  EXPECT_THAT(report.notes, IsEmpty());
}

TEST_F(AffectnetSets, SevenClassesDropContempt) {
  AffectnetOptions options = sized(8);
  options.classes = 7;
  EXPECT_EQ(import(options).splits[0].dropped_by_rule, 4);
  EXPECT_THAT(load("train").labels, ElementsAre(0, 6, 5, 4, 3, 2, 1));
}

TEST_F(AffectnetSets, FacesAreResizedWhole) {
  put("val_set", "6", "1", test_image(224, 3, 4));
  import();
  EXPECT_TRUE(std::ranges::equal(load("val").image(1), resize(test_image(224, 3, 4), 112).pixels));
}

TEST_F(AffectnetSets, AMissingSetIsASplitLessWithANote) {
  std::filesystem::remove_all(dir_ / "val_set");
  EXPECT_THAT(import(sized(8)).notes, ElementsAre("no split val: " + (dir_ / "val_set").string() + " is missing"));
}

TEST_F(AffectnetSets, AWrongLabelIsNamed) {
  put("val_set", "6", "11", test_image(8, 3, 4));
  EXPECT_THAT(error(), EndsWith("val_set/annotations/6_exp.npy: holds no whole number from 0 to 10"));
  write_bytes(label_file("val_set", "6"), "6");
  EXPECT_THAT(error(), EndsWith("val_set/annotations/6_exp.npy: is no .npy file"));
  EXPECT_THAT(out_folder_.names(), IsEmpty());
}

TEST_F(AffectnetSets, AnImageWithoutALabelOrALabelWithoutAnImageIsNamed) {
  std::filesystem::remove(image("train_set", "96"));
  EXPECT_THAT(error(), HasSubstr("train_set/images/96.jpg: no such file"));
  std::filesystem::remove(label_file("val_set", "5"));
  EXPECT_THAT(error(), EndsWith("val_set/images/5.jpg: has no annotations/5_exp.npy"));
  std::filesystem::remove_all(dir_ / "val_set/annotations");
  EXPECT_THAT(error(), EndsWith("val_set/annotations: no such folder"));
}

}  // namespace
}  // namespace penumbra::data::testing
