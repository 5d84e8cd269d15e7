#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "data/error.h"
#include "trainer/checkpoint/checkpoint_folder.h"

namespace penumbra::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A run folder of its own.
class Checkpoints : public ::testing::Test {
 protected:
  Checkpoints() { std::filesystem::create_directories(path_); }
  ~Checkpoints() override { std::filesystem::remove_all(path_); }

  /// What two ranks have of it: parts of different lengths, one array of rank 0 alone, one that is sparse.
  static std::vector<StateArrays> shares() {
    return {{{"values", {5, {{0, 1}, {3, 2}}, {0, 3, 4}}},
             {"norm", {2, {{0, 2}}, {7, 8}}},
             {"visits", {9, {{3, 3}}, {1, 2, 3}, true}}},
            {{"values", {5, {{1, 2}}, {1, 2}}}, {"visits", {9, {}, {}, true}}}};
  }

  std::string take(int incarnation, std::int64_t steps, bool is_best = false) {
    Manifest manifest;
    manifest.incarnation = incarnation;
    manifest.steps = steps;
    manifest.is_best = is_best;
    manifest.position = {1, 2};
    const std::string name = CheckpointFolder::name_of(manifest);
    folder_.open(name);
    int rank = 0;
    for (const StateArrays& share : shares())
      manifest.shards.push_back(write_shard(CheckpointFolder::shard_in(folder_.partial_of(name), rank++), share));
    folder_.add_manifest(name, manifest);
    folder_.publish(name);
    return name;
  }

  WholeArrays load(const std::string& name) { return folder_.load(name, folder_.manifest_of(name)); }

  std::string problem_of(const std::string& name) {
    try {
      load(name);
    } catch (const data::DataError& problem) {
      return problem.what();
    }
    return "none";
  }

  const std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("penumbra-checkpoints-" + std::to_string(getpid()));
  const CheckpointFolder folder_{path_};
};

TEST_F(Checkpoints, RanksPartsBecomeTheWhole) {
  const WholeArrays whole = load(take(0, 10));
  EXPECT_THAT(whole.at("values"), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(whole.at("norm"), ElementsAre(7, 8));
  EXPECT_THAT(whole.at("visits"), ElementsAre(0, 0, 0, 1, 2, 3, 0, 0, 0));
}

TEST_F(Checkpoints, ManifestComesBackAsItWas) {
  const Manifest manifest = folder_.manifest_of(take(3, 250));
  EXPECT_EQ(manifest.incarnation, 3);
  EXPECT_EQ(manifest.steps, 250);
  EXPECT_EQ(manifest.position, (Position{1, 2}));
  EXPECT_EQ(manifest.shards.size(), 2U);
}

TEST(StateArrays, OfSparseOnesWhatSeveralRanksHaveIsTheirSum) {
  const ArrayPart one{6, {{0, 2}, {4, 1}}, {1, 2, 3}, true}, other{6, {{1, 1}, {4, 2}}, {10, 20, 30}, true};
  EXPECT_THAT(join({{{"visits", one}}, {{"visits", other}}}).at("visits"), ElementsAre(1, 12, 0, 0, 23, 30));
}

TEST(StateArrays, PartsThatDoNotFitAreRefused) {
  EXPECT_THROW(join({{{"a", {4, {{0, 3}}, {1, 2, 3}}}}}), data::DataError) << "one element is missing";
  EXPECT_THROW(join({{{"a", {4, {{2, 3}}, {1, 2, 3}}}}}), data::DataError) << "beyond the end";
  EXPECT_THROW(join({{{"a", {4, {{-1, 3}}, {1, 2, 3}}}}}), data::DataError) << "before the begin";
  EXPECT_THROW(join({{{"a", {4, {{0, 4}}, {1, 2, 3}}}}}), data::DataError) << "fewer values than said";
  EXPECT_THROW(join({{{"a", {2, {{0, 2}}, {1, 2}}}}, {{"a", {3, {{0, 3}}, {1, 2, 3}}}}}), data::DataError)
      << "two sizes";
}

TEST_F(Checkpoints, EveryDamageIsNamed) {
  const std::string name = take(0, 10);
  const auto shard = CheckpointFolder::shard_in(folder_.path_of(name), 1);
  const auto bytes = std::filesystem::file_size(shard);
  std::filesystem::resize_file(shard, bytes - 1);
  EXPECT_THAT(problem_of(name), HasSubstr("shard-00001.h5: has " + std::to_string(bytes - 1) + " bytes instead of"));
  std::filesystem::resize_file(shard, bytes);
  std::fstream(shard, std::ios::in | std::ios::out | std::ios::binary).seekp(100).put('!');
  EXPECT_THAT(problem_of(name), HasSubstr("shard-00001.h5: its checksum is wrong"));
  std::filesystem::remove(shard);
  EXPECT_THAT(problem_of(name), HasSubstr("shard-00001.h5: is missing"));
  std::ofstream(folder_.path_of(name) / "manifest.json") << "{";
  EXPECT_THAT(problem_of(name), HasSubstr("manifest.json: its manifest is damaged"));
}

TEST_F(Checkpoints, OnlyWhatTheNewestStartDescendsFromCounts) {
  EXPECT_EQ(folder_.begin_incarnation(""), 0);
  const std::string first = take(0, 10), second = take(0, 20);
  EXPECT_THAT(folder_.lineage(), ElementsAre(second, first));
  EXPECT_EQ(folder_.begin_incarnation(first), 1);
  EXPECT_THAT(folder_.lineage(), ElementsAre(first)) << "the second one is not an ancestor";
  take(0, 30);  // the old start is still alive somewhere
  const std::string third = take(1, 15);
  EXPECT_THAT(folder_.lineage(), ElementsAre(third, first));
  EXPECT_EQ(folder_.begin_incarnation(third), 2);
  EXPECT_THAT(folder_.lineage(), ElementsAre(third, first));
  EXPECT_EQ(folder_.begin_incarnation(""), 3);
  EXPECT_THAT(folder_.lineage(), IsEmpty()) << "it began anew";
}

TEST_F(Checkpoints, AStartThatDiedWhileItSaidWhereItBeganHidesNothing) {
  folder_.begin_incarnation("");
  const std::string first = take(0, 10);
  std::ofstream(path_ / "incarnation-1.json") << "";
  EXPECT_THAT(folder_.lineage(), ElementsAre(first));
  EXPECT_EQ(folder_.begin_incarnation(first), 2);
}

TEST_F(Checkpoints, PruningKeepsTheNewestAndWhatIsBeingWritten) {
  folder_.begin_incarnation("");
  take(0, 10);
  const std::string second = take(0, 20), third = take(0, 30);
  folder_.open("e0000-step-00000040");
  folder_.prune(2, 0);
  EXPECT_THAT(folder_.lineage(), ElementsAre(third, second));
  EXPECT_TRUE(std::filesystem::exists(folder_.partial_of("e0000-step-00000040")));
  folder_.prune(2, 1);  // a later start cleans up after it
  EXPECT_FALSE(std::filesystem::exists(folder_.partial_of("e0000-step-00000040")));
}

TEST_F(Checkpoints, PruningKeepsTheNewestBestOne) {
  folder_.begin_incarnation("");
  take(0, 10, /*is_best=*/true);
  const std::string best = take(0, 20, /*is_best=*/true);
  take(0, 30);
  const std::string fourth = take(0, 40), fifth = take(0, 50);
  folder_.prune(2, 0);
  EXPECT_THAT(folder_.lineage(), ElementsAre(fifth, fourth, best));
  const std::string better = take(0, 60, /*is_best=*/true);
  folder_.prune(2, 0);
  EXPECT_THAT(folder_.lineage(), ElementsAre(better, fifth));
}

}  // namespace
}  // namespace penumbra::trainer
