// Stores that hold JPEGs: `--store jpeg`.
#include <algorithm>
#include <cstdlib>

#include <gmock/gmock.h>
#include <hdf5.h>

#include "data/import/exif.h"
#include "data/import/folder.h"
#include "data/store/jpeg.h"
#include "data/store/rows.h"
#include "tests/data/import_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kSide = 16;

/// Without edges, which JPEG does not keep well.
Image smooth_image(int channels, int seed) {
  Image image{kSide, kSide, channels, {}};
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      for (int c = 0; c < channels; ++c)
        image.pixels.push_back(static_cast<std::uint8_t>(60 + 5 * x + 3 * y + 10 * c + seed));
    }
  }
  return image;
}

int largest_difference(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// Three JPEGs, one of which tells where the photographer lives, a PNG and an image of another size.
class JpegStore : public ::testing::Test {
 protected:
  JpegStore() {
    options_.size = kSide;
    options_.channels = 3;
    options_.common.storing = Storing::jpeg;
    for (int i = 0; i < 2; ++i)
      write_bytes(dir_ / ("train/calm/" + std::to_string(i) + ".jpg"), jpeg_bytes(smooth_image(3, i)));
    write_bytes(dir_ / "train/glad/2.jpg", with_exif(jpeg_bytes(smooth_image(3, 2)), "GPS 52.5 N 13.4 E"));
    put_png(dir_ / "train/glad/3.png", smooth_image(3, 3));
    write_bytes(dir_ / "train/glad/4.jpg", jpeg_bytes(resize(smooth_image(3, 4), 40)));
    import_folder(dir_.path(), store_, options_);
  }

  std::string complaint_after(const std::function<void(hid_t)>& change) {
    const hid_t file = H5Fopen(store_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    change(file);
    H5Fclose(file);
    return complaint([&] { StoreReader(store_).load("train"); });
  }
  template <typename T>
  static void overwrite(hid_t file, const char* dataset, hid_t type, std::size_t place, T value) {
    const hid_t opened = H5Dopen2(file, dataset, H5P_DEFAULT), space = H5Dget_space(opened);
    const hsize_t at = place, one = 1;
    const hid_t memory = H5Screate_simple(1, &one, nullptr);
    H5Sselect_elements(space, H5S_SELECT_SET, 1, &at);
    H5Dwrite(opened, type, memory, space, H5P_DEFAULT, &value);
    for (const hid_t id : {memory, space}) H5Sclose(id);
    H5Dclose(opened);
  }

  Folder dir_, out_;
  std::filesystem::path store_ = out_ / "x.h5";
  FolderOptions options_;
};

TEST_F(JpegStore, KeepsJpegsThatFitBitForBitWithoutTheirMarks) {
  const SampleSet set = StoreReader(store_).open("train");
  ASSERT_EQ(set.size(), 5);
  EXPECT_TRUE(set.pixels.jpeg());
  EXPECT_FALSE(set.pixels.resident());
  const SampleSet read = StoreReader(store_).load("train");
  for (int i = 0; i < 3; ++i) {
    const std::string original = jpeg_bytes(smooth_image(3, i));
    EXPECT_TRUE(std::ranges::equal(read.image(i), decode_jpeg(bytes_of(original), "x").pixels)) << i;
    const auto stored = set.pixels.jpeg(i);
    EXPECT_EQ(std::string(stored.begin(), stored.end()).find("GPS"), std::string::npos);
  }
}

TEST_F(JpegStore, EncodesTheOthersNearly) {
  const SampleSet set = StoreReader(store_).load("train");
  EXPECT_LE(largest_difference(set.image(3), smooth_image(3, 3).pixels), 6);
  EXPECT_LE(largest_difference(set.image(4), smooth_image(3, 4).pixels), 12);
}

TEST_F(JpegStore, TurnsJpegsThatLieOnTheirSide) {
  const std::string lying = with_exif(jpeg_bytes(smooth_image(3, 5)), orientation_content(8));
  write_bytes(dir_ / "test/calm/5.jpg", lying);
  import_folder(dir_.path(), out_ / "turned.h5", options_);
  const SampleSet set = StoreReader(out_ / "turned.h5").load("test");
  EXPECT_LE(largest_difference(set.image(0), upright(smooth_image(3, 5), 8).pixels), 6);
}

TEST_F(JpegStore, IsOfItsOwnVersionAndRawStoresAreNot) {
  const auto version_of = [](const std::filesystem::path& path) {
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t attribute = H5Aopen(file, "version", H5P_DEFAULT);
    std::int64_t version = 0;
    H5Aread(attribute, H5T_NATIVE_INT64, &version);
    H5Aclose(attribute);
    H5Fclose(file);
    return version;
  };
  EXPECT_EQ(version_of(store_), 2);
  options_.common.storing = Storing::raw;
  import_folder(dir_.path(), out_ / "raw.h5", options_);
  EXPECT_EQ(version_of(out_ / "raw.h5"), 1);
}

TEST_F(JpegStore, ReadsAnyRowsFromTheFile) {
  const SampleSet opened = StoreReader(store_).open("train"), read = StoreReader(store_).load("train");
  EXPECT_EQ(opened.pixels.in_memory(), read.pixels);
  EXPECT_EQ(fingerprint(opened), fingerprint(read));
  const std::vector<std::int64_t> rows = {4, 0, 2};
  const SampleSet some = rows_of(opened, rows);
  EXPECT_TRUE(some.pixels.jpeg());
  EXPECT_EQ(some.pixels.in_memory(), rows_of(read, rows).pixels);
}

TEST_F(JpegStore, CopiesTheSameJpegs) {
  const SampleSet set = StoreReader(store_).open("train");
  const SampleSet twice = concatenate({rows_of(set, std::vector<std::int64_t>{3, 1}), set});
  StoreWriter writer(out_ / "copy.h5", set.info);
  writer.write_split("train", twice);
  writer.commit();
  const SampleSet copy = StoreReader(out_ / "copy.h5").open("train");
  const std::int64_t from[] = {3, 1, 0, 1, 2, 3, 4};
  for (int i = 0; i < 7; ++i) EXPECT_EQ(copy.pixels.jpeg(i), set.pixels.jpeg(from[i])) << i;
}

TEST_F(JpegStore, BesideRawImagesIsWrittenRaw) {
  const SampleSet set = StoreReader(store_).open("train"), read = StoreReader(store_).load("train");
  const SampleSet mixed = concatenate({set, read});
  EXPECT_FALSE(mixed.pixels.jpeg());
  EXPECT_EQ(mixed.pixels.size(), 2 * read.pixels.size());
  StoreWriter writer(out_ / "mixed.h5", set.info);
  writer.write_split("train", mixed);
  writer.commit();
  EXPECT_TRUE(std::ranges::equal(StoreReader(out_ / "mixed.h5").load("train").image(9), read.image(4)));
}

TEST_F(JpegStore, ACorruptFileIsLeftOutAsElsewhere) {
  write_bytes(dir_ / "train/calm/1.jpg", jpeg_bytes(smooth_image(3, 1)).substr(0, 300));
  EXPECT_THAT(complaint([&] { import_folder(dir_.path(), store_, options_); }), HasSubstr("1.jpg: corrupt JPEG"));
  options_.common.skip_bad = true;
  import_folder(dir_.path(), store_, options_);
  const SampleSet set = StoreReader(store_).load("train");
  EXPECT_THAT(set.ids, ElementsAre("train/calm/0.jpg", "train/glad/2.jpg", "train/glad/3.png", "train/glad/4.jpg"));
  EXPECT_TRUE(std::ranges::equal(set.image(1), decode_jpeg(bytes_of(jpeg_bytes(smooth_image(3, 2))), "x").pixels));
}

TEST_F(JpegStore, DamageIsNamedWithItsImage) {
  const SampleSet set = StoreReader(store_).open("train");
  const std::size_t first = set.pixels.jpeg(0).size();
  EXPECT_THAT(complaint_after([&](hid_t file) {
                overwrite(file, "original/train/jpeg", H5T_NATIVE_UINT8, first + 20, std::uint8_t{0xff});
                overwrite(file, "original/train/jpeg", H5T_NATIVE_UINT8, first + 21, std::uint8_t{0xd9});
              }),
              HasSubstr("x.h5: image 1: "));
  const auto with_end = [&](std::size_t place, std::uint64_t end) {
    import_folder(dir_.path(), store_, options_);
    return complaint_after(
        [&](hid_t file) { overwrite(file, "original/train/jpeg_ends", H5T_NATIVE_UINT64, place, end); });
  };
  EXPECT_THAT(with_end(4, ~std::uint64_t{0}), HasSubstr("do not rise to its size"));
  EXPECT_THAT(with_end(1, first), HasSubstr("do not rise to its size"));
  EXPECT_THAT(with_end(0, first - 9), HasSubstr("image 0"));
}

TEST_F(JpegStore, AnImageOfAnotherKindIsNamed) {
  std::vector<std::uint8_t> out(3 * 64 * 64);
  const auto other = encode_jpeg(resize(smooth_image(3, 0), 64));
  EXPECT_THAT(complaint([&] { decode_jpeg(other, kSide, 3, "x.h5: image 7", out.data()); }),
              HasSubstr("x.h5: image 7: is 64x64 pixels of 3 channels, not 16x16 of 3"));
  const auto grey = encode_jpeg(smooth_image(1, 0));
  EXPECT_THAT(complaint([&] { decode_jpeg(grey, kSide, 3, "y", out.data()); }), HasSubstr("of 1 channels"));
}

TEST(Jpeg, OfGreyImagesStaysGrey) {
  const Image grey = smooth_image(1, 5);
  const Image again = decode_jpeg(encode_jpeg(grey), "x");
  EXPECT_EQ(again.channels, 1);
  EXPECT_LE(largest_difference(again.pixels, grey.pixels), 3);
  EXPECT_THAT(bare_jpeg(bytes_of("no JPEG"), Image{}), IsEmpty());
}

}  // namespace
}  // namespace penumbra::data::testing
