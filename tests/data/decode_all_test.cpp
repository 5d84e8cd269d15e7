#include "data/import/decode_all.h"

#include <gmock/gmock.h>

#include "tests/data/import_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Image as_it_is(const Image& image, std::size_t) { return image; }

/// Two files, the second one again and again.
class DecodeAll : public ::testing::Test {
 protected:
  DecodeAll() {
    put_png(dir_ / "a.png", test_image(2, 1, 1));
    put_png(dir_ / "b.png", test_image(2, 1, 2));
    options_.progress = [this](std::int64_t done, std::int64_t total) {
      told_.push_back(done);
      totals_.push_back(total);
    };
  }
  std::vector<std::filesystem::path> files(std::size_t count) const {
    std::vector<std::filesystem::path> files(count, dir_ / "b.png");
    files.front() = dir_ / "a.png";
    return files;
  }

  Folder dir_;
  ImportOptions options_;
  std::vector<std::int64_t> told_, totals_;
};

TEST_F(DecodeAll, ProgressCountsEachOfAFewImages) {
  decode_all(files(5), {2, 1}, as_it_is, options_);
  EXPECT_THAT(told_, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(totals_, ElementsAre(5, 5, 5, 5, 5, 5));
}

TEST_F(DecodeAll, ProgressOfManyImagesIsTold1001TimesUpToAll) {
  decode_all(files(2500), {2, 1}, as_it_is, options_);
  ASSERT_THAT(told_, SizeIs(1001));
  for (std::int64_t i = 0; i <= 1000; ++i) ASSERT_EQ(told_[i], (2500 * i + 999) / 1000);  // once it is i thousandths
}

TEST_F(DecodeAll, WhatIsDecodedDoesNotDependOnWhetherProgressIsTold) {
  const Decoded told = decode_all(files(40), {2, 1}, as_it_is, options_),
                silent = decode_all(files(40), {2, 1}, as_it_is, {});
  EXPECT_EQ(told.images, silent.images);
  EXPECT_EQ(told.kept, silent.kept);
  EXPECT_TRUE(std::ranges::equal(told.images.bytes().first(4), test_image(2, 1, 1).pixels));
  EXPECT_TRUE(std::ranges::equal(told.images.bytes().last(4), test_image(2, 1, 2).pixels));
}

TEST_F(DecodeAll, CorruptImagesCountAsDoneUnlessOneEndsIt) {
  write_bytes(dir_ / "b.png", "no image");
  EXPECT_THAT(complaint([&] { decode_all(files(3), {2, 1}, as_it_is, options_); }), HasSubstr("b.png"));
  told_.clear();
  options_.skip_bad = true;
  EXPECT_THAT(decode_all(files(3), {2, 1}, as_it_is, options_).bad, SizeIs(2));
  EXPECT_THAT(told_, ElementsAre(0, 1, 2, 3));
}

TEST_F(DecodeAll, NoFilesAreDoneAtOnce) {
  EXPECT_THAT(decode_all({}, {2, 1}, as_it_is, options_).images.bytes(), IsEmpty());
  EXPECT_THAT(told_, ElementsAre(0));
}

}  // namespace
}  // namespace penumbra::data::testing
