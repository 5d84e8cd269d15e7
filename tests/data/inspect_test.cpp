#include "data/inspect.h"

#include <cmath>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/data/store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Three samples whose votes over the classes are {4 0 0}, {2 2 0} and {3 1 0}.
SampleSet voted_set() {
  SampleSet set;
  set.info = {{"calm", "glad", "sad"}, {"calm", "glad", "sad", "NF"}, 2, 1, "test", "argmax"};
  set.pixels = std::vector<std::uint8_t>(12, 7);
  set.labels = {0, 1, 0};
  set.votes = {4, 0, 0, 6, 2, 2, 0, 0, 3, 1, 0, 1};
  set.ids = {"a", "b", "c"};
  return set;
}

void write_store(const std::filesystem::path& path, const SampleSet& train, const SampleSet& test) {
  StoreWriter writer(path, train.info);
  writer.write_split("train", train);
  writer.write_split("test", test);
  writer.commit();
}

TEST(Inspect, SaysWhatTheStoreHolds) {
  const Folder folder;
  write_small_store(folder / "x.h5");
  const nlohmann::json found = inspect(folder / "x.h5");
  EXPECT_EQ(found.at("file"), (folder / "x.h5").string());
  EXPECT_EQ(found.at("version"), 1);
  EXPECT_EQ(found.at("classes"), nlohmann::json({"calm", "glad", "böse"}));
  EXPECT_EQ(found.at("vote_columns").size(), 5u);
  EXPECT_EQ(found.at("image_size"), 6);
  EXPECT_EQ(found.at("channels"), 1);
  EXPECT_EQ(found.at("source"), "test");
  EXPECT_EQ(found.at("label_rule"), "argmax");
  EXPECT_EQ(found.at("variants"), 2);
  EXPECT_EQ(found.at("splits").size(), 2u);
  const nlohmann::json& train = found.at("splits").at("train");
  EXPECT_EQ(train.at("count"), 70);
  EXPECT_EQ(train.at("class_counts"), (nlohmann::json{{"calm", 24}, {"glad", 23}, {"böse", 23}}));
  EXPECT_EQ(train.at("distribution"), true);
  const std::string hex = train.at("fingerprint");
  EXPECT_EQ(hex.size(), 16u);
  EXPECT_EQ(std::stoull(hex, nullptr, 16), fingerprint(small_set(70)));
  EXPECT_NE(hex, found.at("splits").at("val").at("fingerprint").get<std::string>());
}

TEST(Inspect, VoteStatisticsAreThoseOfTheVotesOverTheClasses) {
  const Folder folder;
  SampleSet other = voted_set();
  other.ids = {"d", "e", "f"};
  write_store(folder / "x.h5", voted_set(), other);
  const nlohmann::json train = inspect(folder / "x.h5").at("splits").at("train");
  const double entropies = std::log(2.0) + (2 * std::log(2.0) - 0.75 * std::log(3.0));
  EXPECT_NEAR(train.at("votes").at("mean_entropy"), entropies / 3, 1e-9);
  EXPECT_DOUBLE_EQ(train.at("votes").at("unanimous"), 1.0 / 3);
  EXPECT_DOUBLE_EQ(train.at("votes").at("majority"), 2.0 / 3);
  EXPECT_EQ(train.at("class_counts").at("sad"), 0);
  EXPECT_EQ(train.at("distribution"), false);
}

TEST(Inspect, AgreementIsTheShareOfVotesOnTheLabelClassByClass) {
  const Folder folder;
  SampleSet set = voted_set(), other = voted_set();
  set.labels = {0, 1, 1};  // with {4 0 0}, {2 2 0} and {3 1 0}
  other.ids = {"d", "e", "f"};
  write_store(folder / "x.h5", set, other);
  const nlohmann::json splits = inspect(folder / "x.h5").at("splits"), votes = splits.at("train").at("votes");
  EXPECT_DOUBLE_EQ(votes.at("agreement"), (1 + 0.5 + 0.25) / 3);
  const nlohmann::json &calm = votes.at("classes").at("calm"), &glad = votes.at("classes").at("glad");
  EXPECT_EQ(calm, (nlohmann::json{{"agreement", 1.0}, {"mean_entropy", 0.0}, {"unanimous", 1.0}, {"majority", 1.0}}));
  EXPECT_DOUBLE_EQ(glad.at("agreement"), (0.5 + 0.25) / 2);
  EXPECT_NEAR(glad.at("mean_entropy"), (std::log(2.0) + 2 * std::log(2.0) - 0.75 * std::log(3.0)) / 2, 1e-9);
  EXPECT_DOUBLE_EQ(glad.at("unanimous"), 0);
  EXPECT_DOUBLE_EQ(glad.at("majority"), 0.5);
  EXPECT_TRUE(votes.at("classes").at("sad").is_null());
  EXPECT_EQ(votes.at("classes").size(), 3u);
  EXPECT_DOUBLE_EQ(splits.at("test").at("votes").at("classes").at("calm").at("agreement"), (1 + 0.75) / 2);
}

TEST(Inspect, VotesAreNullWhereThereAreNone) {
  const Folder folder;
  SampleSet set = voted_set();
  set.votes.clear();
  set.info.vote_columns.clear();
  SampleSet other = set;
  other.ids = {"d", "e", "f"};
  write_store(folder / "x.h5", set, other);
  EXPECT_TRUE(inspect(folder / "x.h5").at("splits").at("test").at("votes").is_null());
}

TEST(Inspect, LabelNoiseIsTheShareOfLabelsThatAreNotTheCleanOnes) {
  const Folder folder;
  SampleSet noisy = voted_set(), other = voted_set();
  noisy.clean_labels = {0, 1, 2};
  other.ids = {"d", "e", "f"};
  write_store(folder / "x.h5", noisy, other);
  const nlohmann::json splits = inspect(folder / "x.h5").at("splits");
  EXPECT_DOUBLE_EQ(splits.at("train").at("label_noise"), 1.0 / 3);
  EXPECT_TRUE(splits.at("test").at("label_noise").is_null());
  EXPECT_THAT(verify(folder / "x.h5").front(), HasSubstr("clean labels"));
}

TEST(Inspect, GroupsAreCountedByValueWhereTheyAreFew) {
  const Folder folder;
  SampleSet set = small_set(42), few = small_set(3);
  set.groups = small_groups(42);
  set.groups[1].values = {"male", "female", "other"};
  few.ids = {"a", "b", "c"};
  few.groups = {{"age", {"young", "old", "older"}, {2, 0, 2}}, {"gender", {"male"}, {-1, -1, -1}}};
  write_store(folder / "x.h5", set, few);
  const nlohmann::json splits = inspect(folder / "x.h5").at("splits");
  const auto expected = [](const char* text) { return nlohmann::json::parse(text); };
  EXPECT_EQ(splits.at("train").at("groups"), expected(R"({
      "subject": {"values": 21, "faces": null, "unknown": 0},
      "gender": {"values": 2, "faces": [["male", 14], ["female", 14]], "unknown": 14}})"));
  EXPECT_EQ(splits.at("test").at("groups"), expected(R"({
      "age": {"values": 2, "faces": [["young", 1], ["older", 2]], "unknown": 0},
      "gender": {"values": 0, "faces": [], "unknown": 3}})"));
  EXPECT_THAT(verify(folder / "x.h5").front(), HasSubstr(", groups are whole"));
  write_store(folder / "x.h5", voted_set(), voted_set());
  EXPECT_EQ(inspect(folder / "x.h5").at("splits").at("train").at("groups"), nlohmann::json::object());
}

TEST(Inspect, ListsTwentyValuesAndNoMore) {
  const Folder folder;
  SampleSet set = small_set(40);
  set.groups = small_groups(40);
  StoreWriter writer(folder / "x.h5", set.info);
  writer.write_split("train", set);
  writer.commit();
  const nlohmann::json groups = inspect(folder / "x.h5").at("splits").at("train").at("groups");
  EXPECT_EQ(groups.at("subject").at("faces").size(), 20u);
  EXPECT_EQ(groups.at("subject").at("faces").back(), nlohmann::json({"José 19", 2}));
}

TEST(Verify, ReturnsALineACheck) {
  const Folder folder;
  SampleSet other = voted_set();
  other.ids = {"d", "e", "e"};  // twice in one split is no leak
  write_store(folder / "x.h5", voted_set(), other);
  EXPECT_THAT(verify(folder / "x.h5"), ElementsAre(HasSubstr("train: 3 images of 2x2x1"), HasSubstr("test: 3 images"),
                                                   HasSubstr("ids: none of 5 is in two splits")));
}

TEST(Verify, AnIdInTwoSplitsIsNamedWithBoth) {
  const Folder folder;
  SampleSet other = voted_set();
  other.ids = {"d", "b", "e"};
  write_store(folder / "x.h5", voted_set(), other);
  EXPECT_THAT(complaint([&] { verify(folder / "x.h5"); }), HasSubstr("\"b\" is in train and in test"));
}

TEST(Verify, AFileThatIsNoStoreIsNamed) {
  const Folder folder;
  write_bytes(folder / "x.h5", "no store");
  EXPECT_THAT(complaint([&] { verify(folder / "x.h5"); }), HasSubstr("x.h5"));
  EXPECT_THAT(complaint([&] { inspect(folder / "none.h5"); }), HasSubstr("none.h5"));
}

}  // namespace
}  // namespace penumbra::data::testing
