#include "comm/gpu/nccl_collective.h"

#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comm/error.h"
#include "tests/comm/subject.h"
#include "tests/comm/test_world.h"

namespace penumbra::comm {
namespace {

using testing::Backend;
using testing::FakeNcclBehaviour;
using ::testing::HasSubstr;
using testing::Subject;
using testing::test_world;

/// What a call throws as a CommError.
template <typename Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const CommError& error) {
    return error.what();
  }
  return "no error";
}

at::Tensor rank_plus_one() { return at::full({1000}, test_world().rank() + 1, at::kFloat); }
int sum_of_ranks() { return test_world().size() * (test_world().size() + 1) / 2; }

TEST(NcclCollective, DoesNotHoldUpTheCallerUntilItWaits) {
  Subject subject(Backend::nccl, {.delay_milliseconds = 200});
  const at::Tensor tensor = rank_plus_one();
  const auto start = std::chrono::steady_clock::now();
  Work work = subject.collective().all_reduce_sum(tensor);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(150));
  EXPECT_EQ(tensor[0].item<float>(), static_cast<float>(test_world().rank() + 1)) << "nothing has happened yet";
  work.wait();
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(200));
  EXPECT_TRUE(tensor.eq(sum_of_ranks()).all().item<bool>());
}

TEST(NcclCollective, RunsInTheOrderOfTheCalls) {
  Subject subject(Backend::nccl, {.delay_milliseconds = 1});
  const at::Tensor tensor = at::full({33}, test_world().rank(), at::kLong);
  const int n = test_world().size();
  std::vector<Work> works;
  for (int window = 0; window < 32; ++window) {
    works.push_back(subject.collective().broadcast(tensor.narrow(0, window, 2), window % n));
  }
  works.back().wait();
  EXPECT_EQ(tensor[0].item<int>(), 0);
  for (int j = 1; j <= 32; ++j) EXPECT_EQ(tensor[j].item<int>(), (j - 1) % n) << "element " << j;
}

TEST(NcclCollective, ACallInProgressIsAskedForUntilItHasSettled) {
  Subject subject(Backend::nccl, {.polls_in_progress = 5});
  const at::Tensor even = rank_plus_one(), odd = at::full({1001}, test_world().rank() + 1, at::kFloat);
  subject.collective().all_reduce_sum(even).wait();
  subject.collective().reduce_scatter_sum(odd, Wire::exact).wait();
  const Interval own = part_of(odd.numel(), test_world().rank(), test_world().size());
  EXPECT_TRUE(even.eq(sum_of_ranks()).all().item<bool>());
  EXPECT_TRUE(odd.narrow(0, own.offset, own.size).eq(sum_of_ranks()).all().item<bool>());
}

TEST(NcclCollective, ACallThatStaysInProgressFailsInTime) {
  const auto start = std::chrono::steady_clock::now();
  const std::string error =
      error_of([] { Subject(Backend::nccl, {.polls_in_progress = -1}, std::chrono::milliseconds(100)); });
  EXPECT_THAT(error, HasSubstr("rank " + std::to_string(test_world().rank()) +
                               ": ncclCommInitRankConfig has not ended after 100 ms"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(NcclCollective, ALaterErrorIsReportedAndEndsTheWaiting) {
  Subject subject(Backend::nccl, {.failing_collective = 1});
  subject.collective().all_reduce_sum(rank_plus_one()).wait();
  subject.collective().all_reduce_sum(rank_plus_one());
  EXPECT_THAT(subject.error(), HasSubstr("remote process exited or there was a network error (the fake's last words)"));
  EXPECT_THAT(error_of([&] { subject.collective().all_reduce_sum(rank_plus_one()); }), HasSubstr("remote process"));
}

TEST(NcclCollective, AHangShowsInTheFlightRecordAndEndsWithAbort) {
  Subject subject(Backend::nccl, {.hanging_collective = 1});
  subject.collective().all_reduce_sum(rank_plus_one()).wait();
  Work hanging = subject.collective().all_reduce_sum(rank_plus_one());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const std::vector<FlightEntry> entries = subject.recorder().entries();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_GE(entries[0].ended, entries[0].started);
  EXPECT_GE(entries[1].started, 0);
  EXPECT_LT(entries[1].ended, 0);
  std::thread watchdog([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    subject.nccl().abort();
  });
  EXPECT_THAT(error_of([&] { hanging.wait(); }), HasSubstr("the communicator was aborted"));
  watchdog.join();
  EXPECT_TRUE(subject.fake().aborted());
}

TEST(NcclCollective, WhatIsRecordedIsNotUnderWayAndAReplayIsOneEntryOfTheFlightRecord) {
  Subject subject(Backend::nccl);
  ASSERT_TRUE(subject.collective().can_be_recorded());
  const at::Tensor tensor = rank_plus_one();
  subject.collective().record([&] { subject.collective().all_reduce_sum(tensor).wait(); });
  EXPECT_TRUE(subject.recorder().entries().empty());
  EXPECT_THROW(subject.collective().record([] { throw std::logic_error("cannot be recorded"); }), std::logic_error);

  bool launched = false;
  subject.collective().replay([&] { launched = true; });
  subject.collective().all_reduce_sum(tensor).wait();
  EXPECT_TRUE(launched);
  const std::vector<FlightEntry> entries = subject.recorder().entries();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "recorded step");
  EXPECT_EQ(entries[1].name, "all-reduce");
}

TEST(NcclCollective, ABufferIsRegisteredAsLongAsSomebodyKeepsIt) {
  Subject subject(Backend::nccl, {.polls_in_progress = 1});
  const at::Tensor tensor = rank_plus_one();
  std::shared_ptr<void> kept = subject.collective().register_buffer(tensor);
  EXPECT_EQ(subject.fake().registered(), 1);
  subject.collective().all_reduce_sum(tensor.narrow(0, 1, 7)).wait();
  kept.reset();
  EXPECT_EQ(subject.fake().registered(), 0);
}

TEST(NcclCollective, WaitsAtItsEndForWhatIsUnderWay) {
  const at::Tensor tensor = rank_plus_one();
  {
    Subject subject(Backend::nccl, {.delay_milliseconds = 50});
    for (int i = 0; i < 3; ++i) subject.collective().broadcast(tensor, 0);
    subject.collective().all_reduce_sum(tensor);
  }
  EXPECT_TRUE(tensor.eq(test_world().size()).all().item<bool>());
}

/// Values whose sums round, different on every rank.
at::Tensor waves(std::int64_t size, int rank) { return at::arange(size, at::kFloat).mul_(0.1 + rank).sin_(); }

TEST(NcclCollective, Bf16OnTheWireRoundsEveryAddendOnceAndTheirSumOnce) {
  Subject subject(Backend::nccl, {.in_caller = true});
  for (const std::int64_t size : {0, 1, 3, 12, 1023, 10'008}) {
    at::Tensor sum = at::zeros({size}, at::kDouble);
    for (int rank = 0; rank < test_world().size(); ++rank)
      sum.add_(waves(size, rank).to(at::kBFloat16).to(at::kDouble));
    const at::Tensor reduced = waves(size, test_world().rank()), scattered = reduced.clone();
    subject.collective().all_reduce_sum(reduced, Wire::bf16).wait();
    subject.collective().reduce_scatter_sum(scattered, Wire::bf16).wait();
    const Interval own = part_of(size, test_world().rank(), test_world().size());
    EXPECT_TRUE(scattered.narrow(0, own.offset, own.size)
                    .to(at::kDouble)
                    .allclose(sum.narrow(0, own.offset, own.size), 0, 1e-6))
        << size;
    // Half a unit in the last of bf16's 8 binary places is at most 2^-8 of the value.
    EXPECT_TRUE(reduced.to(at::kDouble).allclose(sum, std::exp2(-8), 1e-6)) << size;
  }
}

TEST(NcclCollective, RefusesWhatItCannotSend) {
  Subject subject(Backend::nccl);
  EXPECT_THROW(subject.collective().all_reduce_sum(at::zeros({4, 4}).t().narrow(0, 0, 2)), std::invalid_argument);
  EXPECT_THROW(subject.collective().all_reduce_sum(at::zeros({4}, at::kHalf)), std::invalid_argument);
  EXPECT_THROW(subject.collective().all_reduce_sum(at::zeros({4}, at::kBFloat16)), std::invalid_argument);
  EXPECT_THROW(subject.collective().all_reduce_sum(at::zeros({4}, at::kDouble), Wire::bf16), std::invalid_argument);
  EXPECT_THROW(subject.collective().broadcast(at::zeros({4}), test_world().size()), std::invalid_argument);
}

}  // namespace
}  // namespace penumbra::comm
