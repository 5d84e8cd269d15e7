// Training from files: the batches are those of the same set in memory.
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/error.h"
#include "data/loader.h"
#include "data/loader_options.h"
#include "data/store/jpeg.h"
#include "data/store/jpeg_rows.h"
#include "tests/data/random_set.h"
#include "tests/data/store_testing.h"
#include "tests/data/variant_testing.h"

namespace penumbra::data {
namespace {

using testing::complaint;
using testing::Folder;
using testing::make_variant;
using testing::random_set;
using testing::write_part;

/// Two stores of 70 and 59 random faces.
class Streaming : public ::testing::Test {
 protected:
  Streaming() {
    write("a.h5", 70, 1);
    write("b.h5", 59, 2);
    options_.global_batch = 12;
    options_.seed = 5;
    options_.prefetch = 3;
    options_.plan.windows = {4, 24};
  }

  void write(const std::string& name, int samples, std::uint64_t seed) {
    SampleSet set = random_set(samples, 16, 3, 4, seed);
    StoreWriter writer(folder_ / name, set.info);
    writer.write_split("train", set);
    writer.commit();
    files_.push_back(folder_ / name);
  }

  std::vector<Batch> epoch(const SampleSet& set, Shard shard = {}, std::int64_t first_step = 0,
                           const std::vector<StoredVariant>* variants = nullptr) const {
    TrainLoader loader(set, options_, shard, variants);
    std::vector<Batch> batches;
    for (const std::int64_t number : {0, 1}) {
      loader.start_epoch(number, first_step);
      for (std::int64_t step = first_step; step < loader.steps_per_epoch(); ++step) batches.push_back(loader.next());
    }
    return batches;
  }

  static void expect_same(const std::vector<Batch>& a, const std::vector<Batch>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(at::equal(a[i].weak, b[i].weak)) << i;
      EXPECT_TRUE(at::equal(a[i].ambiguous, b[i].ambiguous)) << i;
      EXPECT_TRUE(at::equal(a[i].sample, b[i].sample)) << i;
    }
  }

  Folder folder_;
  std::vector<std::string> files_;
  LoaderOptions options_;
};

TEST_F(Streaming, GivesTheBatchesOfTheSetInMemory) {
  const SampleSet in_memory = load_split(files_, "train"), in_files = open_split(files_, "train");
  ASSERT_TRUE(in_memory.pixels.resident());
  ASSERT_FALSE(in_files.pixels.resident());
  EXPECT_EQ(fingerprint(in_files), fingerprint(in_memory));
  for (const int ranks : {1, 2, 5}) {
    for (int rank = 0; rank < ranks; ++rank)
      expect_same(epoch(in_files, {rank, ranks}), epoch(in_memory, {rank, ranks}));
  }
  expect_same(epoch(in_files, {1, 2}, 7), epoch(in_memory, {1, 2}, 7));
  for (const int prefetch : {1, 40}) {
    options_.prefetch = prefetch;
    options_.threads = 3;
    expect_same(epoch(in_files), epoch(in_memory));
  }
}

TEST_F(Streaming, GivesTheBatchesOfJpegsInMemory) {
  const auto jpegs = std::make_shared<JpegRows::Held>();
  const SampleSet raw = load_split(files_, "train");
  for (std::int64_t row = 0; row < raw.size(); ++row)
    jpegs->push_back(encode_jpeg({16, 16, 3, {raw.image(row).begin(), raw.image(row).end()}}));
  SampleSet set = raw;
  set.pixels = Images({std::make_shared<const JpegRows>(jpegs, ImageKind{16, 3})});
  const Folder folder;
  StoreWriter writer(folder / "jpeg.h5", set.info);
  writer.write_split("train", set);
  writer.commit();
  const std::vector<std::string> file = {folder / "jpeg.h5"};
  const SampleSet in_memory = load_split(file, "train"), in_file = open_split(file, "train");
  ASSERT_TRUE(in_file.pixels.jpeg());
  EXPECT_EQ(fingerprint(in_file), fingerprint(in_memory));
  expect_same(epoch(in_file, {1, 2}), epoch(in_memory, {1, 2}));
}

TEST_F(Streaming, EndsInTheMiddleOfAnEpoch) {
  const SampleSet set = open_split(files_, "train");
  options_.prefetch = 40;
  for (int turn = 0; turn < 20; ++turn) {
    TrainLoader loader(set, options_, {});
    loader.start_epoch(0);
    for (int step = 0; step < turn % 4; ++step) loader.next();
    if (turn % 2 == 0) loader.start_epoch(1);  // while batches of the one before are rendered
    if (turn % 4 == 2) {
      EXPECT_EQ(loader.next().epoch, 1);
    }
  }
}

TEST_F(Streaming, PlainViewsAreThoseOfTheSetInMemory) {
  const SampleSet in_memory = load_split(files_, "train"), in_files = open_split(files_, "train");
  EXPECT_TRUE(at::equal(plain_views(in_files, 60, 90, 20, {}), plain_views(in_memory, 60, 90, 20, {})));
}

TEST_F(Streaming, AFileThatIsCutMeanwhileIsNamed) {
  const SampleSet set = open_split(files_, "train");
  std::filesystem::resize_file(files_[1], 5000);
  EXPECT_THAT(complaint([&] { epoch(set); }), ::testing::HasSubstr("b.h5: ends too early"));
}

TEST_F(Streaming, StoredVariantsInFilesGiveTheBatchesOfThoseInMemory) {
  const SampleSet in_memory = load_split(files_, "train"), in_files = open_split(files_, "train");
  options_.mode = AmbiguousMode::stored;
  const std::vector<StoredVariant> held = {make_variant(in_memory, options_.strong, 3, 0, options_.view_size)};
  const Folder folder;
  write_part(folder / "part.h5", in_memory, held[0]);
  const std::vector<StoredVariant> opened = {StoreReader(folder / "part.h5").open_variant(0)};
  ASSERT_FALSE(opened[0].pixels.resident());
  EXPECT_NO_THROW(verify_variant(in_files, opened[0]));
  for (const Shard shard : {Shard{0, 1}, Shard{1, 3}}) {
    expect_same(epoch(in_files, shard, 0, &opened), epoch(in_memory, shard, 0, &held));
  }
}

}  // namespace
}  // namespace penumbra::data
