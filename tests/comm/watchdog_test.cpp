// Watchdogs of several ranks in one process; a rank that fails is played by a bare connection.
#include "comm/watchdog/watchdog.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "comm/watchdog/line_socket.h"

namespace penumbra::comm {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Clock = std::chrono::steady_clock;

constexpr double kSilence = 0.6;
constexpr std::chrono::seconds kLong{10};

/// What a watchdog found, if it finds something in time.
class Finding {
 public:
  void set(const Verdict& verdict) {
    const std::scoped_lock lock(mutex_);
    verdict_ = verdict;
    found_.notify_all();
  }
  std::optional<Verdict> wait(std::chrono::duration<double> time) {
    std::unique_lock lock(mutex_);
    found_.wait_for(lock, time, [this] { return verdict_.has_value(); });
    return verdict_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable found_;
  std::optional<Verdict> verdict_;
};

/// Rank 0's address, on its way to the others.
class Address {
 public:
  Watchdog::Broadcast from_rank0() {
    return [this](const std::string& text) {
      promise_.set_value(text);
      return text;
    };
  }
  Watchdog::Broadcast to_others() {
    return [this](const std::string&) { return text_.get(); };
  }
  std::vector<std::string> words() {
    std::istringstream in(text_.get());
    return {std::istream_iterator<std::string>(in), {}};
  }

 private:
  std::promise<std::string> promise_;
  std::shared_future<std::string> text_ = promise_.get_future().share();
};

/// One rank with its watchdog.
struct Rank {
  Rank(int rank, int size, Address& address, WatchdogOptions options = {kSilence, 600, 600})
      : dog({rank, size, "node"}, options, recorder, rank == 0 ? address.from_rank0() : address.to_others(),
            [this](const Verdict& verdict) { finding.set(verdict); }) {}

  FlightRecorder recorder;
  Finding finding;
  Watchdog dog;
};

/// A rank that only says hello.
LineSocket impostor(Address& address, int rank, const std::string& token) {
  const std::vector<std::string> words = address.words();
  auto socket = LineSocket::connect("127.0.0.1", static_cast<std::uint16_t>(std::stoi(words.at(2))), kLong);
  socket.value().send("hello " + token + " " + std::to_string(rank) + " node" + std::to_string(rank));
  return std::move(*socket);
}

LineSocket impostor(Address& address, int rank) { return impostor(address, rank, address.words().at(0)); }

TEST(Watchdog, MissesNobodyWhileAllLiveAndWhenTheyLeaveOneAfterTheOther) {
  for (const std::vector<int>& order : {std::vector{0, 1, 2}, {2, 1, 0}, {1, 0, 2}}) {
    Address address;
    std::vector<std::unique_ptr<Rank>> ranks(3);
    for (int rank = 0; rank < 3; ++rank)
      ranks[static_cast<std::size_t>(rank)] = std::make_unique<Rank>(rank, 3, address);
    std::this_thread::sleep_for(std::chrono::duration<double>(1.5 * kSilence));
    for (const int leaving : order) {
      for (const auto& rank : ranks) {
        if (!rank) continue;
        EXPECT_FALSE(rank->finding.wait(std::chrono::duration<double>(0.7 * kSilence)));
      }
      ranks[static_cast<std::size_t>(leaving)].reset();
    }
  }
}

TEST(Watchdog, OfAWorldOfOneDoesNothing) {
  Address address;
  Rank alone(0, 1, address);
  EXPECT_FALSE(alone.finding.wait(std::chrono::duration<double>(1.5 * kSilence)));
}

TEST(Watchdog, ClosedConnectionIsKnownEverywhereAtOnce) {
  Address address;
  Rank zero(0, 3, address), one(1, 3, address);
  std::optional<LineSocket> two = impostor(address, 2);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto start = Clock::now();
  two.reset();
  for (Rank* rank : {&zero, &one}) {
    const auto verdict = rank->finding.wait(kLong);
    ASSERT_TRUE(verdict);
    EXPECT_EQ(describe(*verdict), "rank 2 on node2: its process has ended");
  }
  EXPECT_LT(std::chrono::duration<double>(Clock::now() - start).count(), kSilence);
}

TEST(Watchdog, SilenceIsNoticedInItsTime) {
  Address address;
  Rank zero(0, 3, address), one(1, 3, address);
  const auto start = Clock::now();
  const LineSocket two = impostor(address, 2);
  for (Rank* rank : {&zero, &one}) {
    const auto verdict = rank->finding.wait(kLong);
    ASSERT_TRUE(verdict);
    EXPECT_THAT(describe(*verdict), AllOf(HasSubstr("rank 2 on node2: no sign of life"), HasSubstr("link is down")));
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  EXPECT_GE(seconds, kSilence);
  EXPECT_LT(seconds, 3 * kSilence);
}

TEST(Watchdog, RankThatNeverComesIsNoticedToo) {
  Address address;
  Rank zero(0, 3, address), one(1, 3, address);
  const auto verdict = one.finding.wait(kLong);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->rank, 2);
}

/// Rank 0, played by a bare listener.
struct LostHub {
  LineListener listener;
  FlightRecorder recorder;
  Finding finding;
  std::optional<Watchdog> dog;
  std::optional<LineSocket> connection;

  LostHub() {
    const std::string address = "token hub " + std::to_string(listener.port()) + " 127.0.0.1";
    dog.emplace(
        Member{1, 2, "hub"}, WatchdogOptions{kSilence, 600, 600}, recorder, [&](const std::string&) { return address; },
        [this](const Verdict& verdict) { finding.set(verdict); });
    while (!connection) connection = listener.accept();
  }
};

TEST(Watchdog, LosingRank0IsNoticedByTheOthers) {
  LostHub closed;
  closed.connection.reset();
  auto verdict = closed.finding.wait(kLong);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(describe(*verdict), "rank 0 on hub: its process has ended");

  LostHub silent;
  verdict = silent.finding.wait(kLong);
  ASSERT_TRUE(verdict);
  EXPECT_THAT(describe(*verdict), HasSubstr("rank 0 on hub: no sign of life"));
}

TEST(Watchdog, UnreachableRank0IsAnErrorThatNamesBoth) {
  FlightRecorder recorder;
  std::uint16_t port = 0;
  {
    const LineListener closed;
    port = closed.port();
  }
  const auto make = [&] {
    Watchdog({1, 2, "there"}, {}, recorder,
             [&](const std::string&) { return "token there " + std::to_string(port) + " 127.0.0.1 127.0.0.1"; }, {});
  };
  EXPECT_THAT(make, ::testing::ThrowsMessage<std::exception>(
                        AllOf(HasSubstr("rank 1 on there"), HasSubstr("rank 0 on there"))));
}

TEST(Watchdog, StrangersAreNotListenedTo) {
  Address address;
  Rank zero(0, 2, address), one(1, 2, address);
  std::optional<LineSocket> stranger = impostor(address, 1, "guess");
  stranger->send("beat 5 5 training");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  stranger.reset();
  EXPECT_FALSE(zero.finding.wait(std::chrono::duration<double>(1.5 * kSilence)));
}

TEST(Watchdog, StallIsLaidOnTheRankThatHasNotEntered) {
  Address address;
  const WatchdogOptions options{5, 1, 600};
  Rank zero(0, 3, address, options), one(1, 3, address, options), two(2, 3, address, options);
  for (Rank* rank : {&zero, &one, &two}) {
    rank->recorder.enter_phase("training");
    rank->recorder.end(rank->recorder.enqueue("all-reduce", 4));
  }
  EXPECT_FALSE(zero.finding.wait(std::chrono::duration<double>(2))) << "nothing is under way: the ranks compute";
  for (Rank* rank : {&zero, &two}) rank->recorder.enqueue("all-reduce", 4);
  for (Rank* rank : {&zero, &one, &two}) {
    const auto verdict = rank->finding.wait(kLong);
    ASSERT_TRUE(verdict);
    EXPECT_EQ(describe(*verdict),
              "rank 1 on node: collective 2 (phase training) has not ended for 1 s, this rank has not entered it");
  }
}

TEST(Watchdog, OtherPhasesHaveATimeOfTheirOwn) {
  Address address;
  const WatchdogOptions options{5, 1, 600};
  Rank zero(0, 2, address, options), one(1, 2, address, options);
  for (Rank* rank : {&zero, &one}) rank->recorder.enter_phase("validation");
  zero.recorder.enqueue("all-reduce", 4);
  EXPECT_FALSE(zero.finding.wait(std::chrono::duration<double>(3)));
}

TEST(FlightRecorder, WhatEndsOutOfOrderDoesNotHideWhatHangs) {
  FlightRecorder recorder;
  const std::uint64_t hanging = recorder.enqueue("recorded step", 0), vote = recorder.enqueue("vote", 8);
  recorder.end(vote);
  EXPECT_EQ(recorder.progress().entered, 2U);
  EXPECT_EQ(recorder.progress().ended, 0U);
  recorder.end(hanging);
  EXPECT_EQ(recorder.progress().ended, 2U);
}

TEST(FlightRecorder, KeepsTheLastCollectivesAndCountsAll) {
  FlightRecorder recorder(2);
  for (int i = 0; i < 3; ++i) recorder.enqueue("call " + std::to_string(i), 10 * i);
  recorder.start(1);  // has left the ring
  recorder.end(1);
  recorder.start(2);
  recorder.end(2);
  const auto entries = recorder.entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "call 1");
  EXPECT_GE(entries[0].started, entries[0].enqueued);
  EXPECT_GE(entries[0].ended, entries[0].started);
  EXPECT_EQ(entries[1].bytes, 20);
  EXPECT_LT(entries[1].started, 0);
  EXPECT_EQ(recorder.progress().entered, 3u);
  EXPECT_EQ(recorder.progress().ended, 2u);
}

TEST(FailureRecord, NamesTheRankTheHostTheReasonAndWhatWasUnderWay) {
  const auto folder = std::filesystem::temp_directory_path() / ("penumbra-failure-" + std::to_string(getpid()));
  FlightRecorder recorder;
  recorder.enter_phase("training");
  recorder.start(recorder.enqueue("all-reduce", 1024));
  write_failure_record(folder, {3, 4, "here"}, {1, "there", "its process has ended"}, recorder);
  std::ifstream file(folder / "rank-3.json");
  const auto record = nlohmann::json::parse(file);
  std::filesystem::remove_all(folder);
  EXPECT_EQ(record["rank"], 1);
  EXPECT_EQ(record["host"], "there");
  EXPECT_EQ(record["reason"], "its process has ended");
  EXPECT_EQ(record["seen_by"]["rank"], 3);
  EXPECT_EQ(record["phase"], "training");
  ASSERT_EQ(record["collectives"].size(), 1u);
  EXPECT_EQ(record["collectives"][0]["bytes"], 1024);
  EXPECT_TRUE(record["collectives"][0]["ended"].is_null());
}

TEST(FailureRecord, DiskThatRefusesItDoesNotHoldTheEndUp) {
  const FlightRecorder recorder;
  write_failure_record("/proc/nowhere", {0, 2, "here"}, {1, "there", "gone"}, recorder);
}

}  // namespace
}  // namespace penumbra::comm
