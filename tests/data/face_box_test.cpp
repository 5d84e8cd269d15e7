#include "data/import/face_box.h"

#include <gmock/gmock.h>

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;

/// Red says the column, green the row.
Image coordinates(int width, int height) {
  Image image{width, height, 3, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int value : {x, y, 7}) image.pixels.push_back(static_cast<std::uint8_t>(value));
    }
  }
  return image;
}

/// Left, top, width and height of a crop of coordinates(16, 12), by its pixels.
std::vector<int> place_of(const FaceBox& box, int width = 16, int height = 12) {
  const auto face = crop_face(coordinates(width, height), box);
  if (!face) return {};
  const int left = face->pixels[0], top = face->pixels[1];
  std::size_t at = 0;
  for (int y = top; y < top + face->height; ++y) {
    for (int x = left; x < left + face->width; ++x) {
      for (const int value : {x, y, 7}) EXPECT_EQ(face->pixels.at(at++), value) << x << ' ' << y;
    }
  }
  EXPECT_EQ(face->pixels.size(), at);
  return {left, top, face->width, face->height};
}

TEST(FaceBox, ASquareInsideIsTakenAsItIs) {
  EXPECT_THAT(place_of({3, 2, 5, 5}), ElementsAre(3, 2, 5, 5));
  EXPECT_THAT(place_of({15, 11, 1, 1}), ElementsAre(15, 11, 1, 1));
}

TEST(FaceBox, TheShorterSideGrowsAroundTheMiddle) {
  EXPECT_THAT(place_of({4, 2, 3, 7}), ElementsAre(2, 2, 7, 7));
  EXPECT_THAT(place_of({4, 5, 8, 2}), ElementsAre(4, 2, 8, 8));
}

TEST(FaceBox, ASquareThatLeavesTheImageIsMovedIntoIt) {
  EXPECT_THAT(place_of({0, 2, 3, 7}), ElementsAre(0, 2, 7, 7));
  EXPECT_THAT(place_of({14, 2, 2, 7}), ElementsAre(9, 2, 7, 7));
  EXPECT_THAT(place_of({4, 0, 8, 2}), ElementsAre(4, 0, 8, 8));
  EXPECT_THAT(place_of({4, 10, 8, 2}), ElementsAre(4, 4, 8, 8));
}

TEST(FaceBox, OnlyTheBoxPartInsideTheImageCounts) {
  EXPECT_THAT(place_of({-4, -4, 9, 9}), ElementsAre(0, 0, 5, 5));
  EXPECT_THAT(place_of({12, 9, 100, 100}), ElementsAre(12, 8, 4, 4));
  EXPECT_THAT(place_of({-1'000'000, 3, 1'000'000, 5}), ElementsAre());
  EXPECT_THAT(place_of({-999'999, 3, 1'000'000, 5}), ElementsAre(0, 3, 5, 5));
}

TEST(FaceBox, ASquareIsNoLongerThanTheShorterSideOfTheImage) {
  EXPECT_THAT(place_of({0, 0, 16, 12}), ElementsAre(2, 0, 12, 12));
  EXPECT_THAT(place_of({0, 4, 14, 4}), ElementsAre(1, 0, 12, 12));
  EXPECT_THAT(place_of({1, 0, 4, 12}, 6, 12), ElementsAre(0, 3, 6, 6));
}

TEST(FaceBox, ABoxWithoutAPixelOfTheImageIsNothing) {
  for (const FaceBox& box : {FaceBox{16, 0, 3, 3}, FaceBox{0, 12, 3, 3}, FaceBox{-3, 0, 3, 3}, FaceBox{0, -3, 3, 3},
                             FaceBox{3, 3, 0, 3}, FaceBox{3, 3, 3, 0}, FaceBox{3, 3, -2, 3}, FaceBox{3, 3, 3, -2}})
    EXPECT_THAT(place_of(box), ElementsAre()) << box.left << ' ' << box.top << ' ' << box.width << ' ' << box.height;
}

TEST(FaceBox, GreyStaysGrey) {
  const auto face = crop_face(Image{3, 2, 1, {1, 2, 3, 4, 5, 6}}, {1, 0, 2, 2});
  ASSERT_TRUE(face);
  EXPECT_EQ(face->channels, 1);
  EXPECT_THAT(face->pixels, ElementsAre(2, 3, 5, 6));
}

}  // namespace
}  // namespace penumbra::data::testing
