#include "data/import/image_file.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include <gmock/gmock.h>
#include <opencv2/imgproc.hpp>

#include "tests/data/import_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Image random_image(int width, int height, int channels) {
  std::mt19937 bits(static_cast<unsigned>(width * 1000 + height * 10 + channels));
  Image image{width, height, channels, {}};
  for (int i = 0; i < width * height * channels; ++i) image.pixels.push_back(static_cast<std::uint8_t>(bits() >> 24));
  return image;
}

/// Bytes written as hexadecimal digits: files made with zlib and struct of Python, so that libpng does not test itself.
std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (std::size_t at = 0; at < digits.size(); at += 2)
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16)));
  return bytes;
}

class ImageFile : public ::testing::Test {
 protected:
  Image read(const std::string& bytes) {
    write_bytes(file_, bytes);
    return read_image(file_);
  }
  std::string error(const std::string& bytes) {
    return complaint([&] { read(bytes); });
  }
  Folder folder_;
  std::filesystem::path file_ = folder_ / "face";
};

TEST_F(ImageFile, PngRoundTripKeepsEveryByte) {
  for (const int channels : {1, 3}) {
    const Image image = random_image(7, 5, channels);
    write_png(file_, image);
    const Image back = read_image(file_);
    EXPECT_EQ(back.width, 7);
    EXPECT_EQ(back.height, 5);
    EXPECT_EQ(back.channels, channels);
    EXPECT_EQ(back.pixels, image.pixels);
  }
}

TEST_F(ImageFile, AlphaIsDroppedNotBlended) {
  const Image grey = read(
      from_hex("89504e470d0a1a0a0000000d4948445200000003000000020804000000377dae91000000164944415478da63e0fa2fd220c7"
               "c0a0c168f4df861d0018a703590394f1e40000000049454e44ae426082"));
  EXPECT_EQ(grey.channels, 1);
  EXPECT_THAT(grey.pixels, ElementsAre(10, 20, 30, 40, 50, 60));
  const Image rgb = read(
      from_hex("89504e470d0a1a0a0000000d4948445200000002000000010806000000f4227f8a000000114944415478da63389162c4c0c8"
               "c4dc00000ac101e59badf61f0000000049454e44ae426082"));
  EXPECT_EQ(rgb.channels, 3);
  EXPECT_THAT(rgb.pixels, ElementsAre(200, 100, 50, 1, 2, 3));
}

TEST_F(ImageFile, PaletteBecomesRgb) {
  const std::string opaque = from_hex(
      "89504e470d0a1a0a0000000d49484452000000030000000108030000002c3ee48600000009504c5445ff000000ff00090807"
      "592406230000000c4944415478da63606062040000090004bc56df1a0000000049454e44ae426082");
  const std::string transparent = from_hex(
      "89504e470d0a1a0a0000000d49484452000000030000000108030000002c3ee48600000009504c5445ff000000ff00090807"
      "592406230000000274524e5300809b2b4e180000000c4944415478da63606062040000090004bc56df1a0000000049454e44"
      "ae426082");
  for (const std::string& bytes : {opaque, transparent}) {
    const Image image = read(bytes);
    EXPECT_EQ(image.channels, 3);
    EXPECT_THAT(image.pixels, ElementsAre(255, 0, 0, 9, 8, 7, 0, 255, 0));
  }
}

TEST_F(ImageFile, SixteenAndOneBitBecomeEight) {
  const Image grey = read(
      from_hex("89504e470d0a1a0a0000000d49484452000000030000000110000000006e1b972b0000000f4944415478da6360606868f8ff"
               "1f00068402ffff1b62f10000000049454e44ae426082"));
  EXPECT_EQ(grey.channels, 1);
  EXPECT_THAT(grey.pixels, ElementsAre(0, 128, 255));
  EXPECT_THAT(
      read(from_hex(
               "89504e470d0a1a0a0000000d4948445200000001000000011002000000c0e78f9d0000000f4944415478da63707068683870"
               "0000088703010a0a01940000000049454e44ae426082"))
          .pixels,
      ElementsAre(64, 128, 192));
  EXPECT_THAT(
      read(from_hex(
               "89504e470d0a1a0a0000000d49484452000000050000000101000000003e85595e0000000a4944415478da63d8000000b200"
               "b1f88292a70000000049454e44ae426082"))
          .pixels,
      ElementsAre(255, 0, 255, 255, 0));
}

TEST_F(ImageFile, JpegIsRecognisedByContentAndCloseToItsSource) {
  for (const int channels : {1, 3}) {
    Image smooth{24, 16, channels, {}};
    for (int y = 0; y < 16; ++y)
      for (int x = 0; x < 24; ++x)
        for (int c = 0; c < channels; ++c)
          smooth.pixels.push_back(static_cast<std::uint8_t>(40 + 5 * x + 3 * y + 10 * c));
    write_bytes(folder_ / "face.png", jpeg_bytes(smooth));
    const Image back = read_image(folder_ / "face.png");
    ASSERT_EQ(back.width, 24);
    ASSERT_EQ(back.height, 16);
    ASSERT_EQ(back.channels, channels);
    for (std::size_t i = 0; i < smooth.pixels.size(); ++i) EXPECT_NEAR(back.pixels[i], smooth.pixels[i], 3) << i;
  }
}

TEST_F(ImageFile, EveryTruncationIsAnErrorThatNamesTheFile) {
  write_png(file_, random_image(3, 2, 3));
  for (const std::string& whole :
       {read_bytes(file_), jpeg_bytes(random_image(3, 2, 1)), jpeg_bytes(random_image(3, 2, 3))}) {
    ASSERT_EQ(error(whole), "");
    for (std::size_t length = 0; length < whole.size(); ++length)
      EXPECT_THAT(error(whole.substr(0, length)), HasSubstr(file_.string() + ": ")) << length << " of " << whole.size();
  }
}

TEST_F(ImageFile, AFlippedByteOfAPngIsAnErrorOrChangesNothing) {
  const Image image = random_image(3, 2, 3);
  write_png(file_, image);
  const std::string whole = read_bytes(file_);
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    try {
      EXPECT_EQ(read(damaged).pixels, image.pixels) << "byte " << at;
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 8 + 25 + 12);  // at least signature, header and the frame of the data
}

TEST_F(ImageFile, MissingEntropyDataOfAJpegIsCorruptThoughTheDecoderCanGoOn) {
  const std::string whole = jpeg_bytes(random_image(32, 32, 1));
  const std::string damaged = whole.substr(0, whole.size() / 2) + whole.substr(whole.size() - 2);
  EXPECT_THAT(error(damaged), HasSubstr("corrupt JPEG"));
}

TEST_F(ImageFile, HugeImagesAreRefusedFromTheHeader) {
  EXPECT_THAT(error(from_hex(
                  "89504e470d0a1a0a0000000d4948445200004e2000004e200800000000c61b19e50000000a4944415478da63600000000200"
                  "01e527defc0000000049454e44ae426082")),
              HasSubstr("20000x20000"));
  std::string jpeg = jpeg_bytes(random_image(3, 2, 1));
  const std::size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xff\xdc\xff\xdc");
  EXPECT_THAT(error(jpeg), HasSubstr("65500x65500"));
}

TEST_F(ImageFile, WhatIsNoImageIsNamed) {
  EXPECT_THAT(error(""), HasSubstr("is empty"));
  EXPECT_THAT(error("GIF89a"), HasSubstr("neither a PNG nor a JPEG"));
  EXPECT_THAT(complaint([&] { read_image(folder_ / "none.png"); }), HasSubstr("none.png: no such file"));
  EXPECT_THAT(complaint([&] { read_image(folder_.path()); }), HasSubstr("is not a file"));
  EXPECT_THAT(complaint([&] { write_png(folder_ / "no/such/folder.png", random_image(1, 1, 1)); }),
              HasSubstr("cannot write"));
}

TEST(ToChannels, IsLumaOfBt601AndRepeatsGrey) {
  const Image rgb{4, 1, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}};
  EXPECT_THAT(to_channels(rgb, 1).pixels, ElementsAre(76, 150, 29, 255));  // 0.299, 0.587, 0.114 of 255
  EXPECT_THAT(to_channels(Image{2, 1, 1, {5, 250}}, 3).pixels, ElementsAre(5, 5, 5, 250, 250, 250));
  EXPECT_EQ(to_channels(rgb, 3).pixels, rgb.pixels);
}

Image opencv_resize(const Image& image, int size, int interpolation) {
  const cv::Mat from(image.height, image.width, CV_8UC(image.channels), const_cast<std::uint8_t*>(image.pixels.data()));
  cv::Mat to;
  cv::resize(from, to, cv::Size(size, size), 0, 0, interpolation);
  return {size, size, image.channels, std::vector<std::uint8_t>(to.datastart, to.dataend)};
}

int largest_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

TEST(Resize, ShrinksLikeOpenCvsAreaAndGrowsLikeItsLinear) {
  for (const int channels : {1, 3}) {
    for (const int size : {48, 31, 7, 1}) {
      const Image image = random_image(97, 64, channels);
      EXPECT_LE(largest_difference(resize(image, size), opencv_resize(image, size, cv::INTER_AREA)), 1) << size;
    }
    for (const int size : {30, 48, 101}) {
      const Image image = random_image(29, 17, channels);
      EXPECT_LE(largest_difference(resize(image, size), opencv_resize(image, size, cv::INTER_LINEAR)), 1) << size;
    }
  }
}

TEST(Resize, HalvingIsTheMeanOfFourAndTheSameSizeIsTheSameImage) {
  const Image image = random_image(12, 12, 1);
  const Image half = resize(image, 6);
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 6; ++x) {
      const auto at = [&](int dy, int dx) {
        return image.pixels[static_cast<std::size_t>((2 * y + dy) * 12 + 2 * x + dx)];
      };
      const double mean = (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4.0;
      EXPECT_NEAR(half.pixels[static_cast<std::size_t>(y * 6 + x)], mean, 0.5);
    }
  }
  EXPECT_EQ(resize(image, 12).pixels, image.pixels);
}

TEST(Resize, AxesAreApart) {
  // Wide and low: columns shrink to means of two, the one row is repeated.
  EXPECT_THAT(resize(Image{4, 1, 1, {10, 20, 100, 200}}, 2).pixels, ElementsAre(15, 150, 15, 150));
}

}  // namespace
}  // namespace penumbra::data::testing
