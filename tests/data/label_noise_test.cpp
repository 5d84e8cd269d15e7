#include "data/tools/label_noise.h"

#include <cmath>

#include <gmock/gmock.h>

#include "tests/data/random_set.h"
#include "tests/data/statistics.h"
#include "tests/data/store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::size_t> wrong_rows(const SampleSet& set) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < set.labels.size(); ++row)
    if (set.labels[row] != set.clean_labels[row]) rows.push_back(row);
  return rows;
}

TEST(LabelNoise, ExactlyTheRoundedShareIsWrongAndTheRestIsAsItWas) {
  for (const int samples : {1, 7, 70}) {
    for (const double rate : {0.0, 0.01, 0.2, 0.5, 0.75, 1.0}) {
      const SampleSet clean = small_set(samples), noisy = with_label_noise(clean, rate, 1);
      EXPECT_EQ(wrong_rows(noisy).size(), static_cast<std::size_t>(std::lround(rate * samples)));
      EXPECT_EQ(noisy.clean_labels, clean.labels);
      EXPECT_EQ(noisy.votes, clean.votes);
      EXPECT_EQ(noisy.ids, clean.ids);
      for (const std::int32_t label : noisy.labels) EXPECT_TRUE(label >= 0 && label < 3) << label;
    }
  }
}

TEST(LabelNoise, EachOtherClassIsAsLikelyAndSoIsEachRow) {
  const int classes = 5, samples = 20000;
  const SampleSet noisy = with_label_noise(random_set(samples, 1, 1, classes), 0.4, 3);
  std::vector<double> to(classes * (classes - 1)), tenths(10);
  for (const std::size_t row : wrong_rows(noisy)) {
    const int step = (noisy.labels[row] - noisy.clean_labels[row] + classes) % classes;
    ++to[static_cast<std::size_t>(noisy.clean_labels[row] * (classes - 1) + step - 1)];
    ++tenths[row / (samples / 10)];
  }
  EXPECT_LT(chi_square_deviate(to), kDeviateLimit);
  EXPECT_LT(chi_square_deviate(tenths), kDeviateLimit);
}

TEST(LabelNoise, TheWrongLabelsOfALowerRateAreAmongThoseOfAHigher) {
  const SampleSet set = random_set(500, 1, 1);
  const SampleSet low = with_label_noise(set, 0.1, 7), high = with_label_noise(set, 0.4, 7);
  for (const std::size_t row : wrong_rows(low)) EXPECT_EQ(high.labels[row], low.labels[row]);
  EXPECT_EQ(with_label_noise(set, 0.1, 7).labels, low.labels);
  EXPECT_NE(with_label_noise(set, 0.1, 8).labels, low.labels);
}

TEST(LabelNoise, RefusesWhatMakesNoSense) {
  EXPECT_THROW(with_label_noise(small_set(4), 1.1, 1), std::invalid_argument);
  EXPECT_THROW(with_label_noise(small_set(4), NAN, 1), std::invalid_argument);
  EXPECT_THROW(with_label_noise(with_label_noise(small_set(4), 0.5, 1), 0.5, 1), std::invalid_argument);
}

class NoisyStore : public ::testing::Test {
 protected:
  NoisyStore() { write_small_store(clean); }
  const Folder folder;
  const std::filesystem::path clean = folder / "clean.h5", noisy = folder / "noisy.h5";
};

TEST_F(NoisyStore, OnlyTheTrainingSplitIsNoisy) {
  EXPECT_THAT(write_with_label_noise(clean, noisy, 0.2, 5),
              ElementsAre(HasSubstr("14 of 70"), HasSubstr("train.labels = \"votes\""), HasSubstr("variants")));
  const StoreReader reader(noisy);
  EXPECT_EQ(reader.info().label_rule, "argmax + noise 0.2 seed 5");
  EXPECT_EQ(reader.variants(), 0);
  EXPECT_EQ(reader.load("train").labels, with_label_noise(small_set(70), 0.2, 5).labels);
  EXPECT_EQ(reader.load("train").clean_labels, small_set(70).labels);
  EXPECT_EQ(reader.load("train").groups, small_groups(70));
  EXPECT_EQ(reader.load("val").labels, small_set(5).labels);
  EXPECT_THAT(reader.load("val").clean_labels, IsEmpty());
  EXPECT_EQ(fingerprint(reader.load("val")), fingerprint(small_set(5)));
}

TEST_F(NoisyStore, MayTakeThePlaceOfTheCleanOne) {
  write_with_label_noise(clean, clean, 0.2, 5);
  EXPECT_EQ(wrong_rows(StoreReader(clean).load("train")).size(), 14u);
  EXPECT_THAT(folder.names(), ElementsAre("clean.h5"));
}

TEST_F(NoisyStore, NoiseIsNotPutOnNoise) {
  write_with_label_noise(clean, noisy, 0.0, 5);
  EXPECT_THAT(complaint([&] { write_with_label_noise(noisy, folder / "more.h5", 0.2, 6); }),
              HasSubstr("noisy.h5: its training labels are noisy already (argmax + noise 0 seed 5)"));
  EXPECT_FALSE(std::filesystem::exists(folder / "more.h5"));
}

TEST_F(NoisyStore, NeedsATrainingSplit) {
  StoreWriter writer(clean, small_set(5).info);
  writer.write_split("test", small_set(5));
  writer.commit();
  EXPECT_THAT(complaint([&] { write_with_label_noise(clean, noisy, 0.2, 5); }), HasSubstr("no split train"));
}

}  // namespace
}  // namespace penumbra::data::testing
