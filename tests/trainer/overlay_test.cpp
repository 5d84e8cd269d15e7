#include "trainer/prediction/overlay.h"

#include <gtest/gtest.h>

namespace penumbra::trainer {
namespace {

using Pixel = std::array<int, 3>;

Pixel at(const data::Image& image, int x, int y) {
  const auto first = static_cast<std::size_t>(3 * (y * image.width + x));
  return {image.pixels[first], image.pixels[first + 1], image.pixels[first + 2]};
}

data::Image plain_face(int size, std::uint8_t grey) {
  return {size, size, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(size) * size, grey)};
}

TEST(Overlay, ShowsTheFaceAWholeNumberOfTimesAsLargeAndEachMapBesideIt) {
  data::Image face = plain_face(80, 100);
  face.pixels[0] = 10;
  const data::Image all = overlay(face, {{2, 2, {0, 0, 0, 0}}, {2, 2, {0, 0, 0, 0}}});
  EXPECT_EQ(all.width, 3 * 240);
  EXPECT_EQ(all.height, 240);
  EXPECT_EQ(all.channels, 3);
  for (const int x : {0, 240, 480}) {
    EXPECT_EQ(at(all, x + 2, 2), (Pixel{10, 10, 10}));
    EXPECT_EQ(at(all, x + 3, 2), (Pixel{100, 100, 100}));
  }
}

TEST(Overlay, ColoursFromNothingOverRedToYellowAtTheLargestValue) {
  const data::Image all = overlay(plain_face(192, 100), {{2, 2, {4, 2, -3, 0}}});
  EXPECT_EQ(at(all, 192, 0), (Pixel{201, 185, 74}));     // 0.35 * 100 + 0.65 * yellow
  EXPECT_EQ(at(all, 383, 0), (Pixel{147, 110, 80}));     // 128 of 255: 0.674 * 100 + 0.326 * half way to yellow
  EXPECT_EQ(at(all, 192, 191), (Pixel{100, 100, 100}));  // speaks against the class
  EXPECT_EQ(at(all, 383, 191), (Pixel{100, 100, 100}));
  EXPECT_EQ(at(all, 0, 0), (Pixel{100, 100, 100}));
}

TEST(Overlay, TwiceTheMapIsTheSamePicture) {
  const data::Image face = plain_face(64, 30);
  EXPECT_EQ(overlay(face, {{1, 2, {1, 3}}}), overlay(face, {{1, 2, {2, 6}}}));
}

}  // namespace
}  // namespace penumbra::trainer
