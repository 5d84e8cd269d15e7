#include "data/import/exif.h"

#include <array>

#include <gtest/gtest.h>

#include "data/store/jpeg.h"
#include "tests/data/import_testing.h"

namespace penumbra::data::testing {
namespace {

/// Rows of letters, divided by '/'.
Image picture(const std::string& rows) {
  const auto width = rows.find('/');
  Image image{static_cast<int>(width), static_cast<int>((rows.size() + 1) / (width + 1)), 1, {}};
  for (const char letter : rows)
    if (letter != '/') image.pixels.push_back(static_cast<std::uint8_t>(letter));
  return image;
}

TEST(Exif, PicturesAreTurnedAsTheirOrientationSays) {
  // By the standard's names for where the stored first row and column belong: top left, top right, bottom right, ...
  const std::array<std::string, 8> meant = {"abc/def",  "cba/fed",  "fed/cba",  "def/abc",
                                            "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad"};
  for (int orientation = 1; orientation <= 8; ++orientation)
    EXPECT_EQ(upright(picture("abc/def"), orientation), picture(meant[static_cast<std::size_t>(orientation) - 1]))
        << orientation;
  const Image colours{2, 1, 3, {1, 2, 3, 4, 5, 6}}, column{1, 2, 3, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(upright(colours, 6), column);
}

TEST(Exif, OrientationIsReadAndWhatIsNoneIsUpright) {
  const std::string jpeg = jpeg_bytes(test_image(8, 3, 1));
  EXPECT_EQ(exif_orientation(bytes_of(jpeg)), 1);
  for (char orientation = 1; orientation <= 8; ++orientation)
    EXPECT_EQ(exif_orientation(bytes_of(with_exif(jpeg, orientation_content(orientation)))), orientation);
  const std::string little("II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", 26);
  EXPECT_EQ(exif_orientation(bytes_of(with_exif(jpeg, little))), 6);
  EXPECT_EQ(exif_orientation(bytes_of(with_exif(jpeg, orientation_content(0)))), 1);
  EXPECT_EQ(exif_orientation(bytes_of(with_exif(jpeg, orientation_content(9)))), 1);
  EXPECT_EQ(exif_orientation(bytes_of(with_exif(jpeg, "no TIFF at all"))), 1);
  EXPECT_EQ(exif_orientation(bytes_of(with_exif(jpeg, orientation_content(6).substr(0, 12)))), 1) << "cut short";
}

TEST(Exif, ImagesAreReadUpright) {
  const std::string jpeg = jpeg_bytes(test_image(16, 3, 2));
  const Image read = decode_image(bytes_of(with_exif(jpeg, orientation_content(8))), "face.jpg");
  EXPECT_EQ(read, upright(decode_jpeg(bytes_of(jpeg), "face.jpg"), 8));
}

}  // namespace
}  // namespace penumbra::data::testing
