#include "monitor/run_table.h"

#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace penumbra::monitor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

Member member(const std::string& run, int rank = 0, int ranks = 2, int incarnation = 0) {
  return {run, rank, ranks, "node" + std::to_string(rank), incarnation, {{"method", "full"}}};
}

Value loss(double value, const std::string& term = "total") { return {Metric::loss, {term}, value}; }
Value memory(double bytes) { return {Metric::resident_memory, {}, bytes}; }

void nobody(Order /*order*/) { FAIL() << "no order was given"; }

TEST(RunTable, ShowsTheLastValuesOfEachRank) {
  RunTable table({});
  const auto first = table.join(member("a", 0), nobody), second = table.join(member("a", 1), nobody);
  table.update(first, {loss(3), loss(1, "attention"), memory(10)}, 0);
  table.update(first, {loss(2)}, 0);
  table.update(second, {memory(20)}, 5);
  const std::vector<RunView> runs = table.view();
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].name, "a");
  EXPECT_EQ(runs[0].details.at("method"), "full");
  ASSERT_THAT(runs[0].values, SizeIs(2));  // of the run as a whole
  EXPECT_EQ(runs[0].values[1].labels, std::vector<std::string>{"total"});
  EXPECT_EQ(runs[0].values[1].number, 2);
  ASSERT_THAT(runs[0].members, SizeIs(2));
  EXPECT_EQ(runs[0].members[1].values[0].number, 20);
  EXPECT_EQ(runs[0].members[1].host, "node1");
  EXPECT_EQ(runs[0].members[1].dropped, 5U);
  EXPECT_THAT(runs[0].history.at(0).numbers, ElementsAre(3, 2));
  EXPECT_THAT(table.view("b"), SizeIs(0));
}

TEST(RunTable, ASilentRankIsDownAndItsValuesGo) {
  RunTableOptions options;
  options.silent_seconds = 0.05;
  RunTable table(options);
  const auto token = table.join(member("a"), nobody);
  table.update(token, {loss(3)}, 0);
  EXPECT_TRUE(table.view()[0].members[0].up);
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  EXPECT_FALSE(table.view()[0].members[0].up);
  EXPECT_FALSE(table.view()[0].members[0].left);
  EXPECT_THAT(table.view()[0].values, SizeIs(0));
  table.update(token, {}, 0);  // a sign of life
  EXPECT_TRUE(table.view()[0].members[0].up);
  EXPECT_THAT(table.view()[0].values, SizeIs(1));
}

TEST(RunTable, OneThatSaysGoodbyeIsNotMissed) {
  RunTable table({});
  const auto token = table.join(member("a"), nobody);
  table.leave(token, Outcome::finished);
  EXPECT_TRUE(table.view()[0].members[0].left);
  EXPECT_EQ(table.view()[0].outcome, Outcome::finished);
}

TEST(RunTable, ARankThatFailsMakesTheRunFail) {
  RunTable table({});
  const auto first = table.join(member("a", 0), nobody), second = table.join(member("a", 1), nobody);
  table.leave(second, Outcome::failed);
  EXPECT_EQ(table.view()[0].outcome, Outcome::failed);
  table.leave(first, std::nullopt);  // its connection ends
  EXPECT_EQ(table.view()[0].outcome, Outcome::failed);
}

TEST(RunTable, ALaterStartReplacesTheOneBefore) {
  RunTable table({});
  const auto old = table.join(member("a", 0, 2, 0), nobody);
  table.join(member("a", 1, 2, 0), nobody);
  const auto young = table.join(member("a", 0, 2, 1), nobody);
  EXPECT_THAT(table.view()[0].members, SizeIs(1));
  table.update(old, {loss(9)}, 0);  // it is still alive somewhere
  table.update(young, {loss(1)}, 0);
  EXPECT_EQ(table.view()[0].values.at(0).number, 1);
  table.leave(old, Outcome::failed);
  EXPECT_EQ(table.view()[0].outcome, Outcome::running);
}

TEST(RunTable, RunsThatNobodyReportsOfAreForgotten) {
  RunTableOptions options;
  options.forget_seconds = 0.05;
  RunTable table(options);
  const auto token = table.join(member("a"), nobody);
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  EXPECT_THAT(table.view(), SizeIs(0));
  table.update(token, {loss(3)}, 0);
  table.leave(token, Outcome::finished);
}

TEST(RunTable, NothingGrowsWithoutBound) {
  RunTableOptions options;
  options.most_series = 100;
  options.most_runs = 2;
  RunTable table(options);
  const auto token = table.join(member("a"), nobody);
  for (int i = 0; i < 10'000; ++i) table.update(token, {loss(i, "term" + std::to_string(i))}, 0);
  EXPECT_THAT(table.view()[0].values, SizeIs(100));
  EXPECT_EQ(table.counts().rejected.at("series"), 9'900U);
  table.join(member("b"), nobody);
  EXPECT_THROW(table.join(member("c"), nobody), std::invalid_argument);
  table.join(member("a"), nobody);  // a known one may come back
}

TEST(RunTable, WhatIsMalformedIsCountedAndLeftOut) {
  RunTable table({});
  const auto token = table.join(member("a"), nobody);
  table.update(token,
               {{Metric::loss, {}, 1},
                {Metric::loss, {"a", "b"}, 1},
                {Metric::loss, {"line\nbreak"}, 1},
                {Metric::loss, {std::string(1000, 'x')}, 1},
                {Metric::uncertainty, {"original"}, 1, {1, 2}},
                loss(1)},
               0);
  EXPECT_THAT(table.view()[0].values, SizeIs(1));
  EXPECT_EQ(table.counts().rejected.at("metric"), 5U);
  for (const char* name : {"", "a\nb", "a{b}", "\x1b[2J"}) {
    EXPECT_THROW(table.join(member(name), nobody), std::invalid_argument) << name;
  }
  EXPECT_THROW(table.join(member("a", 2, 2), nobody), std::invalid_argument);
  EXPECT_THROW(table.join(member("a", -1, 2), nobody), std::invalid_argument);
}

TEST(RunTable, OnlyTheFirstRankSpeaksForAll) {
  RunTable table({});
  table.update(table.join(member("a", 1), nobody), {loss(1), memory(2)}, 0);
  EXPECT_THAT(table.view()[0].values, SizeIs(0));
  EXPECT_THAT(table.view()[0].members[0].values, SizeIs(1));
}

TEST(RunTable, HiddenControlsAreNoText) {
  EXPECT_TRUE(is_plain("Zürich 東京"));
  for (const char* text : {"\x1b[2J",
                           "\xc2\x9b"
                           "2J",
                           "\xe2\x80\xae", "\xe2\x81\xa6", "a\tb"})
    EXPECT_FALSE(is_plain(text)) << text;
}

TEST(RunTable, AnOrderGoesToTheFirstRankThatCanTakeIt) {
  RunTable table({});
  std::vector<std::pair<int, Order>> taken;
  const auto first = table.join(member("a", 0), [&](Order order) { taken.emplace_back(0, order); });
  table.join(member("a", 1), [&](Order order) { taken.emplace_back(1, order); });
  EXPECT_EQ(table.order("a", Order::checkpoint), 0);
  table.leave(first, std::nullopt);
  EXPECT_EQ(table.order("a", Order::stop), 1);
  EXPECT_EQ(table.order("b", Order::stop), -1);
  EXPECT_THAT(taken, ElementsAre(std::pair(0, Order::checkpoint), std::pair(1, Order::stop)));
}

TEST(RunTable, TheListOfRunsOutlivesTheMonitor) {
  const auto file = std::filesystem::temp_directory_path() / ("penumbra-runs-" + std::to_string(getpid()));
  RunTableOptions options;
  options.file = file;
  options.silent_seconds = 0.05;
  {
    RunTable table(options);
    table.join(member("a", 0), nobody);
    table.join(member("a", 1), nobody);
    table.leave(table.join(member("b"), nobody), Outcome::finished);
  }
  RunTable table(options);
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  const auto runs = table.view();
  ASSERT_THAT(runs, SizeIs(2));
  EXPECT_FALSE(runs[0].members[1].up) << "nobody has heard of it yet";
  EXPECT_EQ(runs[0].members[1].host, "node1");
  EXPECT_EQ(runs[1].outcome, Outcome::finished);
  EXPECT_TRUE(runs[1].members[0].left);
  table.join(member("a", 1), nobody);
  EXPECT_TRUE(table.view("a")[0].members[1].up);
  std::ofstream(file) << "[{\"name\": 3}]";
  EXPECT_THAT(RunTable(options).view(), SizeIs(0));
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace penumbra::monitor
