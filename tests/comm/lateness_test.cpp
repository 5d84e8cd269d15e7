#include "comm/lateness.h"

#include <chrono>
#include <thread>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/comm/test_world.h"

namespace penumbra::comm {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::test_world;

TEST(Lateness, IsWhatARankWaitedLessThanTheFirst) {
  EXPECT_THAT(lateness_from({{5, 1}, {2, 3}, {5, 3}}),
              ElementsAre(DoubleNear(1, 1e-12), DoubleNear(1.5, 1e-12), DoubleNear(0, 1e-12)));
  EXPECT_THAT(lateness_from({}), IsEmpty());
  EXPECT_THAT(lateness_from({{}, {}}), IsEmpty());
}

TEST(Lateness, FindsTheRankThatComesLast) {
  const int last = test_world().size() - 1;
  for (int turn = 0; turn < 5; ++turn) {
    if (test_world().rank() == last) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    test_world().collective().all_reduce_sum(at::ones({4})).wait();
  }
  const std::vector<double> late = lateness(test_world(), 5);
  if (test_world().size() == 1) {
    EXPECT_THAT(late, IsEmpty());
    return;
  }
  ASSERT_EQ(static_cast<int>(late.size()), test_world().size());
  for (int rank = 0; rank < last; ++rank) EXPECT_LT(late[static_cast<std::size_t>(rank)], 0.03) << rank;
  EXPECT_GT(late.back(), 0.035);
}

}  // namespace
}  // namespace penumbra::comm
