#include "trainer/checkpoint/bank_scores.h"

#include <cmath>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "data/error.h"
#include "data/store/rows.h"
#include "trainer/checkpoint/checkpoint_folder.h"

namespace penumbra::trainer {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

/// Two classes; the run has seen all but the last.
data::SampleSet four_faces() {
  data::SampleSet set;
  set.info.classes = {"a", "b"};
  set.labels = {0, 0, 1, 1};
  return set;
}

/// A run folder with one checkpoint of two ranks.
class BankScoresOfARun : public ::testing::Test {
 protected:
  BankScoresOfARun() { std::filesystem::create_directories(run_); }
  ~BankScoresOfARun() override { std::filesystem::remove_all(run_); }

  /// Posteriors: sure of the label, sure of the other class, undecided.
  void take_checkpoint(const StateArrays& second = {{"bank/posterior", {8, {{4, 4}}, {0.5, 0.5, 0.5, 0.5}}},
                                                    {"bank/divergence", {4, {{2, 2}}, {0.5, 0}}},
                                                    {"bank/visited", {4, {{2, 2}}, {1, 0}}}}) {
    const CheckpointFolder folder(run_);
    folder.begin_incarnation("");
    Manifest manifest;
    manifest.data = fmt::format("train {:016x}, validation 0", data::fingerprint(four_faces()));
    const std::string name = CheckpointFolder::name_of(manifest);
    folder.open(name);
    const StateArrays first = {{"bank/posterior", {8, {{0, 4}}, {1, 0, 0, 1}}},
                               {"bank/divergence", {4, {{0, 2}}, {0, 1}}},
                               {"bank/visited", {4, {{0, 2}}, {1, 1}}}};
    int rank = 0;
    for (const StateArrays& share : {first, second})
      manifest.shards.push_back(write_shard(CheckpointFolder::shard_in(folder.partial_of(name), rank++), share));
    folder.add_manifest(name, manifest);
    folder.publish(name);
  }

  const std::filesystem::path run_ =
      std::filesystem::temp_directory_path() / ("penumbra-bank-scores-" + std::to_string(getpid()));
};

TEST_F(BankScoresOfARun, AreThoseOfEachFace) {
  take_checkpoint();
  const std::optional<BankScores> scores = bank_scores(run_, Config{}, four_faces());
  ASSERT_TRUE(scores);
  // u = (H(Q) / ln C + D) / 2, n = JS(y, Q) / ln 2; of (0, 1) and (1/2, 1/2) that is 3/2 - 3/4 log2 3 = 0.3113.
  EXPECT_THAT(scores->uncertainty, ElementsAre(0, 0.5, DoubleNear(0.75, 1e-6), 0));
  EXPECT_THAT(scores->disagreement,
              ElementsAre(DoubleNear(0, 1e-6), DoubleNear(1, 1e-6), DoubleNear(1.5 - 0.75 * std::log2(3.0), 1e-6), 0));
}

TEST_F(BankScoresOfARun, AreNotThereWithoutACheckpointOrForOtherFaces) {
  EXPECT_FALSE(bank_scores(run_, Config{}, four_faces()));
  take_checkpoint();
  data::SampleSet others = four_faces();
  others.labels[0] = 1;
  EXPECT_FALSE(bank_scores(run_, Config{}, others));
}

TEST_F(BankScoresOfARun, ThatAreDamagedAreNamed) {
  take_checkpoint({{"bank/posterior", {8, {{4, 4}}, {0.5, 0.5, 0.5, 0.5}}}});
  EXPECT_THROW(bank_scores(run_, Config{}, four_faces()), data::DataError);
}

}  // namespace
}  // namespace penumbra::trainer
