#include "trainer/prediction/face_reader.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "data/contact_sheet.h"
#include "data/import/image_file.h"

namespace penumbra::trainer {
namespace {

namespace fs = std::filesystem;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Finds a face at every black pixel: a box of 20 x 10 to the right of it and below.
class DarkSpots : public FaceDetector {
 public:
  std::vector<data::FaceBox> find(const data::Image& grey) override {
    EXPECT_EQ(grey.channels, 1);
    std::vector<data::FaceBox> boxes;
    for (int at = 0; at < grey.width * grey.height; ++at)
      if (grey.pixels[static_cast<std::size_t>(at)] == 0) boxes.push_back({at % grey.width, at / grey.width, 20, 10});
    return boxes;
  }
};

class Reading : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("reading-" + std::to_string(getpid()) + "-" +
                                                ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// A white photograph of grey boxes, each with a black pixel in its upper left corner.
  std::string photograph(const std::string& name, const std::vector<data::FaceBox>& spots) {
    data::Image image = data::blank(100, 60, 3);
    for (const data::FaceBox& spot : spots) {
      for (int y = spot.top; y < spot.top + spot.height; ++y)
        for (int x = spot.left; x < spot.left + spot.width; ++x) paint(image, x, y, 100);
      paint(image, spot.left, spot.top, 0);
    }
    data::write_png(folder_ / name, image);
    return folder_ / name;
  }
  static void paint(data::Image& image, int x, int y, std::uint8_t grey) {
    for (int c = 0; c < 3; ++c) image.pixels[static_cast<std::size_t>(3 * (y * image.width + x) + c)] = grey;
  }

  FaceReading reading(FaceDetector* detector, double margin = 0) const {
    data::StoreInfo info;
    info.classes = {"a", "b"};
    info.image_size = 20;
    info.channels = 1;
    return {info, 2, detector, margin};
  }

  fs::path folder_;
};

TEST_F(Reading, WithoutADetectorEveryImageIsAFace) {
  FaceReader reader({photograph("a.png", {}), photograph("b.png", {}), photograph("c.png", {})}, reading(nullptr));
  const FaceBatch first = reader.next().value(), second = reader.next().value();
  EXPECT_FALSE(reader.next());
  EXPECT_THAT(first.set.ids, ElementsAre(folder_ / "a.png", folder_ / "b.png"));
  EXPECT_THAT(second.set.ids, ElementsAre(folder_ / "c.png"));
  EXPECT_EQ(second.set.image(0).size(), 400U);
  EXPECT_THAT(second.set.image(0), Each(255));
  EXPECT_EQ(second.files[0].faces, 1U);
  EXPECT_TRUE(second.files[0].boxes.empty());
}

TEST_F(Reading, EachFaceThatIsFoundBecomesARowInTheOrderOfTheFiles) {
  DarkSpots detector;
  const std::string two = photograph("two.png", {{5, 5, 20, 10}, {60, 30, 20, 10}}), none = photograph("none.png", {}),
                    one = photograph("one.png", {{0, 0, 20, 10}});
  FaceReader reader({two, none, one}, reading(&detector));
  const FaceBatch first = reader.next().value(), second = reader.next().value();
  EXPECT_THAT(first.set.ids, ElementsAre(two, two));
  ASSERT_EQ(first.files.size(), 2U);
  EXPECT_EQ(first.files[0].faces, 2U);
  EXPECT_EQ(first.files[0].boxes[1].left, 60);
  EXPECT_EQ(first.files[0].boxes[1].top, 30);
  EXPECT_EQ(first.files[1].faces, 0U);
  EXPECT_EQ(first.files[1].problem, "");
  EXPECT_THAT(second.set.ids, ElementsAre(one));
}

TEST_F(Reading, AFaceIsTheSquareAroundItsBoxInsideTheImage) {
  DarkSpots detector;
  FaceReader reader({photograph("a.png", {{40, 20, 20, 10}})}, reading(&detector));
  const FaceBatch batch = reader.next().value();
  const auto face = batch.set.image(0);  // columns 40 to 59, rows 15 to 34: the box from its sixth row on, ten rows
  EXPECT_EQ(face[4 * 20], 255);
  EXPECT_EQ(face[5 * 20], 0);
  EXPECT_EQ(face[5 * 20 + 19], 100);
  EXPECT_EQ(face[14 * 20 + 19], 100);
  EXPECT_EQ(face[15 * 20], 255);
}

TEST_F(Reading, AMarginIsAShareOfTheBoxOnEachSide) {
  const data::FaceBox box = with_margin({40, 20, 20, 10}, 0.5);
  EXPECT_EQ(std::vector({box.left, box.top, box.width, box.height}), (std::vector{30, 10, 40, 30}));
  DarkSpots detector;
  FaceReader reader({photograph("a.png", {{40, 20, 20, 10}})}, reading(&detector, 0.5));
  // 40 x 40 pixels from (30, 5) on, halved: the box fills columns 5 to 14 and rows 7.5 to 12.5.
  const FaceBatch batch = reader.next().value();
  const auto face = batch.set.image(0);
  EXPECT_EQ(face[10 * 20 + 4], 255);
  EXPECT_EQ(face[10 * 20 + 5], 100);
  EXPECT_EQ(face[10 * 20 + 14], 100);
  EXPECT_EQ(face[10 * 20 + 15], 255);
}

TEST_F(Reading, WhatCannotBeReadIsSaidAndTheRestIsRead) {
  std::ofstream(folder_ / "bad.png") << "no image";
  FaceReader reader({folder_ / "bad.png", photograph("good.png", {})}, reading(nullptr));
  const FaceBatch batch = reader.next().value();
  EXPECT_THAT(batch.files[0].problem, HasSubstr("bad.png: is neither a PNG nor a JPEG"));
  EXPECT_EQ(batch.files[0].faces, 0U);
  EXPECT_THAT(batch.set.ids, ElementsAre(folder_ / "good.png"));
}

TEST_F(Reading, AReaderThatIsNotReadToItsEndStops) {
  const std::string file = photograph("a.png", {});
  FaceReader reader(std::vector<std::string>(9, file), reading(nullptr));
  EXPECT_EQ(reader.next().value().set.size(), 2);
}

}  // namespace
}  // namespace penumbra::trainer
