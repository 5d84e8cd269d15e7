#include "comm/cost_model.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace penumbra::comm {
namespace {

constexpr Link kSlow{1e-4, 1e8}, kFast{1e-6, 1e10};

TEST(CostModel, RingSendsEveryPartTwiceAroundButOnce) {
  // 4 ranks: 6 messages of 250,000 bytes: 6 (0.1 ms + 2.5 ms).
  EXPECT_NEAR(ring_seconds(1e6, 4, kSlow), 6 * (1e-4 + 2.5e-3), 1e-12);
  EXPECT_EQ(ring_seconds(1e6, 1, kSlow), 0);
}

TEST(CostModel, TreeSendsTheWholeUpAndDown) {
  EXPECT_NEAR(tree_seconds(1e6, 4, kSlow), 4 * (1e-4 + 1e-2), 1e-12);
  EXPECT_NEAR(tree_seconds(1e6, 5, kSlow), 6 * (1e-4 + 1e-2), 1e-12);
  EXPECT_EQ(tree_seconds(1e6, 1, kSlow), 0);
}

TEST(CostModel, ShortMessagesTakeTheTreeAndLongOnesTheRing) {
  const Network flat{kSlow, kSlow, 1};
  EXPECT_EQ(all_reduce_seconds(8, 64, flat), tree_seconds(8, 64, kSlow));
  EXPECT_EQ(all_reduce_seconds(1e8, 64, flat), ring_seconds(1e8, 64, kSlow));
  EXPECT_EQ(all_reduce_seconds(1e8, 1, flat), 0);
}

TEST(CostModel, RanksOfOneHostDoNotTouchTheNetworkBetweenHosts) {
  const Network network{kSlow, kFast, 4};
  EXPECT_EQ(all_reduce_seconds(1e8, 4, network), ring_seconds(1e8, 4, kFast));
  EXPECT_GT(all_reduce_seconds(1e8, 5, network), 10 * all_reduce_seconds(1e8, 4, network));
}

TEST(CostModel, TwoLevelsSendEveryByteOverTheSlowLinkOnceAHost) {
  const Network network{kSlow, kFast, 8};
  const double slow_bytes = 2.0 * (4 - 1) / 4 * 1e8;  // a ring of 4 hosts
  const double expected = slow_bytes / kSlow.bandwidth + 6 * kSlow.latency + ring_seconds(1e8, 8, kFast);
  EXPECT_NEAR(all_reduce_seconds(1e8, 32, network), expected, 1e-9);
  EXPECT_LT(expected, ring_seconds(1e8, 32, kSlow));
}

TEST(CostModel, FitFindsTheConstantsAgain) {
  const auto seconds = [](double bytes) { return ring_seconds(bytes, 2, kSlow); };
  const Link link = fit_link(1e3, seconds(1e3), 1e7, seconds(1e7));
  EXPECT_NEAR(link.latency, kSlow.latency, 1e-12);
  EXPECT_NEAR(link.bandwidth, kSlow.bandwidth, 1);
  EXPECT_THROW(fit_link(1e3, 2, 1e7, 1), std::invalid_argument);
  EXPECT_THROW(fit_link(1e7, 1, 1e3, 2), std::invalid_argument);
}

TEST(CostModel, TrafficThatFitsIntoBackwardIsNotSeen) {
  const Network flat{{0, 1e6}, {0, 1e6}, 1};
  const StepProfile profile{10, {2, 5}, {1e6, 1e6}};  // each takes one second between two ranks
  const StepPrediction step = predict_step(profile, 1, 2, flat);
  EXPECT_DOUBLE_EQ(step.seconds, 10);
  EXPECT_DOUBLE_EQ(step.exposed, 0);
  EXPECT_DOUBLE_EQ(step.communication, 2);
}

TEST(CostModel, LateAndQueuedBucketsAreExposed) {
  const Network flat{{0, 1e6}, {0, 1e6}, 1};
  const StepProfile late{10, {2, 9}, {1e6, 3e6}};  // the last is full as backward ends, one second before the end
  EXPECT_DOUBLE_EQ(predict_step(late, 1, 2, flat).seconds, 13);
  const StepProfile queued{10, {2, 3}, {9e6, 1e6}};  // the second waits until 11
  EXPECT_DOUBLE_EQ(predict_step(queued, 1, 2, flat).seconds, 13);
  EXPECT_DOUBLE_EQ(predict_step(queued, 1, 1, flat).seconds, 10) << "one rank sends nothing";
}

TEST(CostModel, AnotherPassBeginsWhenTheTrafficOfTheFirstIsOver) {
  const Network flat{{0, 1e6}, {0, 1e6}, 1};
  const std::vector<double> full_at = {2, 4, 6, 8}, bytes = {1e6, 3e6, 1e6, 3e6};
  // The first pass ends at 4 and its traffic at 7; the second one's last bucket is full at 11 then, and here at 14.
  EXPECT_DOUBLE_EQ(predict_step({9, full_at, bytes, 2}, 1, 2, flat).seconds, 15);
  // As one pass, what is full at 4 leaves until 7, the next until 8, and the last until 11.
  EXPECT_DOUBLE_EQ(predict_step({9, full_at, bytes, 1}, 1, 2, flat).seconds, 12);
  EXPECT_DOUBLE_EQ(predict_step({9, full_at, bytes, 2}, 1, 1, flat).seconds, 9);
}

}  // namespace
}  // namespace penumbra::comm
