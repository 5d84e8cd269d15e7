#include "data/contact_sheet.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "data/bitmap_text.h"
#include "tests/data/store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Not;

constexpr int kColumns = 3, kRows = 2;

/// The part of an image from (x, y) on.
Image part(const Image& image, int x, int y, int width, int height) {
  Image out{width, height, image.channels, {}};
  for (int row = y; row < y + height; ++row) {
    const auto first = image.pixels.begin() + (row * image.width + x) * image.channels;
    out.pixels.insert(out.pixels.end(), first, first + width * image.channels);
  }
  return out;
}

/// The place of a sheet for face `i` of a class, `cell` pixels wide.
Image place(const Image& sheet, int cell, int c, int i) {
  const int x = sheet.width - (kColumns - i % kColumns) * cell;
  return part(sheet, x, c * (kRows * cell + kBandGap) + i / kColumns * cell, cell, cell);
}

Image image_of(const SampleSet& set, std::int64_t row) {
  const auto bytes = set.image(row);
  return {set.info.image_size, set.info.image_size, set.info.channels, {bytes.begin(), bytes.end()}};
}

/// Each pixel as zoom x zoom of them, looked up one by one.
std::vector<std::uint8_t> enlarged(const Image& image, int zoom) {
  std::vector<std::uint8_t> out;
  for (int y = 0; y < image.height * zoom; ++y)
    for (int x = 0; x < image.width * zoom; ++x)
      for (int c = 0; c < image.channels; ++c)
        out.push_back(image.pixels[(y / zoom * image.width + x / zoom) * image.channels + c]);
  return out;
}

/// Rows of the faces that each class of `small_set(30)` shows: every third row is of a class, ten in all, six shown.
constexpr int kShown[6] = {0, 1, 3, 5, 6, 8};

class ContactSheetOf : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(GreyAndColour, ContactSheetOf, ::testing::Values(1, 3));

TEST_P(ContactSheetOf, EveryPlaceShowsTheFaceOfItsClassAndTurn) {
  const SampleSet set = small_set(30, 48, GetParam());  // twice as large: 96 pixels
  const Image sheet = contact_sheet(set, kColumns, kRows);
  EXPECT_EQ(sheet.channels, GetParam());
  EXPECT_EQ(sheet.height, 3 * kRows * 96 + 2 * kBandGap);
  ASSERT_EQ(sheet.pixels.size(), static_cast<std::size_t>(sheet.width) * sheet.height * sheet.channels);
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < 6; ++i)
      EXPECT_EQ(place(sheet, 96, c, i).pixels, enlarged(image_of(set, 3 * kShown[i] + c), 2)) << c << " " << i;
}

TEST(ContactSheet, MissingFacesAndTheGapsAreWhite) {
  SampleSet set = small_set(5, 48);  // two faces, two, one
  const Image sheet = contact_sheet(set, kColumns, kRows);
  EXPECT_EQ(place(sheet, 96, 1, 1).pixels, enlarged(image_of(set, 4), 2));
  EXPECT_THAT(place(sheet, 96, 1, 2).pixels, Each(255));
  EXPECT_EQ(place(sheet, 96, 2, 0).pixels, enlarged(image_of(set, 2), 2));
  EXPECT_THAT(place(sheet, 96, 2, 1).pixels, Each(255));
  EXPECT_THAT(part(sheet, 0, kRows * 96, sheet.width, kBandGap).pixels, Each(255));
  set.labels.assign(5, 1);
  const Image one = contact_sheet(set, kColumns, kRows);
  ASSERT_EQ(one.height, sheet.height);  // the classes without a face keep their bands
  EXPECT_EQ(place(one, 96, 1, 4).pixels, enlarged(image_of(set, 4), 2));
  EXPECT_THAT(place(one, 96, 2, 0).pixels, Each(255));
}

TEST(ContactSheet, FacesAreShownFrom96To192Pixels) {
  for (const auto& [size, zoom] :
       {std::pair(6, 16), std::pair(64, 2), std::pair(95, 2), std::pair(96, 1), std::pair(100, 1), std::pair(192, 1)}) {
    const SampleSet set = small_set(3, size);
    EXPECT_EQ(place(contact_sheet(set, kColumns, kRows), size * zoom, 2, 0).pixels, enlarged(image_of(set, 2), zoom))
        << size;
  }
  const SampleSet large = small_set(3, 400, 3);
  EXPECT_EQ(place(contact_sheet(large, kColumns, kRows), 192, 1, 0).pixels, resize(image_of(large, 1), 192).pixels);
}

TEST(ContactSheet, OfImagesThatStayInTheirFileIsTheSame) {
  const Folder folder;
  write_small_store(folder / "x.h5");
  const SampleSet in_file = StoreReader(folder / "x.h5").open("train");
  ASSERT_FALSE(in_file.pixels.resident());
  EXPECT_EQ(contact_sheet(in_file, kColumns, kRows).pixels, contact_sheet(small_set(70), kColumns, kRows).pixels);
}

TEST(ContactSheet, TheNameOfAClassStandsToTheLeftOfItsBand) {
  const SampleSet set = small_set(3, 48);  // calm, glad, böse
  const Image sheet = contact_sheet(set, kColumns, kRows);
  const int left = sheet.width - kColumns * 96;
  for (int c = 0; c < 3; ++c) {
    Image expected = blank(left, kRows * 96, 1);
    draw_text(set.info.classes[c], 2, 8, 96 - kGlyphHeight, expected);
    EXPECT_NE(expected.pixels, blank(left, kRows * 96, 1).pixels);
    EXPECT_EQ(part(sheet, 0, c * (kRows * 96 + kBandGap), left, kRows * 96).pixels, expected.pixels) << c;
  }
}

/// An image as lines of '#' (black) and '.' (white).
std::string drawn(const Image& image) {
  std::string lines;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) lines += image.pixels[y * image.width + x] == 0 ? '#' : '.';
    lines += '\n';
  }
  return lines;
}

TEST(BitmapText, DrawsCapitalsAndABoxForWhatItLacks) {
  Image image = blank(18, 8, 1);
  draw_text("aF\xc3\xb6", 1, 1, 1, image);  // ö: two bytes, one box
  EXPECT_EQ(drawn(image),
            "..................\n"
            "..###..#####.#####\n"
            ".#...#.#.....#...#\n"
            ".#...#.#.....#...#\n"
            ".#####.####..#...#\n"
            ".#...#.#.....#...#\n"
            ".#...#.#.....#...#\n"
            ".#...#.#.....#####\n");
  EXPECT_EQ(characters_of("aF\xc3\xb6"), 3);
}

TEST(BitmapText, ADotMayBeLargerAndWhatLiesOutsideIsLeftOut) {
  Image image = blank(5, 4, 1);
  draw_text("L", 2, -1, -8, image);
  EXPECT_EQ(drawn(image),
            "#....\n"
            "#....\n"
            "#....\n"
            "#....\n");
  Image low = blank(11, 3, 1);
  draw_text("L", 2, 0, -11, low);
  EXPECT_EQ(drawn(low),
            "##.........\n"
            "##########.\n"
            "##########.\n");
}

TEST(BitmapText, EveryLetterAndDigitLooksDifferent) {
  std::vector<std::vector<std::uint8_t>> seen;
  for (const char character : std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -._+/&?")) {
    Image image = blank(kGlyphAdvance, kGlyphHeight, 1);
    draw_text(std::string(1, character), 1, 0, 0, image);
    EXPECT_THAT(seen, Not(Contains(image.pixels))) << character;
    seen.push_back(image.pixels);
  }
}

}  // namespace
}  // namespace penumbra::data::testing
