#include "trainer/objective/ramp.h"

#include <cmath>

#include <gtest/gtest.h>

namespace penumbra::trainer {
namespace {

TEST(Ramp, FollowsItsFormulaAndEndsAtOne) {
  EXPECT_DOUBLE_EQ(ramp(0, 12), std::exp(-5.0));
  EXPECT_DOUBLE_EQ(ramp(3, 12), std::exp(-5 * 0.5625));
  EXPECT_DOUBLE_EQ(ramp(6, 12), std::exp(-1.25));
  EXPECT_DOUBLE_EQ(ramp(12, 12), 1);
  EXPECT_DOUBLE_EQ(ramp(40, 12), 1);
}

TEST(Ramp, IsNothingBeforeItsStartAndEverythingWithoutLength) {
  EXPECT_EQ(ramp(-1e-9, 12), 0);
  EXPECT_EQ(ramp(-1, 0), 0);
  EXPECT_EQ(ramp(0, 0), 1);
  EXPECT_EQ(ramp(5, -1), 1);
}

}  // namespace
}  // namespace penumbra::trainer
