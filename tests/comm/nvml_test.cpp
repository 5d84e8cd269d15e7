#include "comm/gpu/nvml.h"

#include <gtest/gtest.h>

namespace penumbra::comm {
namespace {

TEST(Nvml, TellsWhatTheCardSays) {
  const auto figures = Nvml("0123456789abcdef0123456789abcdef").read();
  ASSERT_TRUE(figures);
  EXPECT_DOUBLE_EQ(figures->utilization, 0.75);
  EXPECT_DOUBLE_EQ(figures->memory_bytes, static_cast<double>(20ULL << 30));
  EXPECT_DOUBLE_EQ(figures->power_watts, 312.5);
  EXPECT_DOUBLE_EQ(figures->temperature_celsius, 61);
}

TEST(Nvml, ACardThatIsNotThereHasNoFigures) {
  EXPECT_FALSE(Nvml("ffffffffffffffffffffffffffffffff").read());
  EXPECT_FALSE(Nvml("").read());
}

}  // namespace
}  // namespace penumbra::comm
