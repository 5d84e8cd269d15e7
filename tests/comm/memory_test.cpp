#include "comm/memory.h"

#include <gtest/gtest.h>

#include "tests/comm/control_groups_testing.h"

namespace penumbra::comm {
namespace {

constexpr const char* kMeminfo = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    800 kB\n";

class MemoryLimits : public testing::WithControlGroups {};

TEST_F(MemoryLimits, WithoutAGroupAreTheKernels) {
  EXPECT_EQ(available_memory(kMeminfo, "0::/\n", root_), 800U * 1024);
}

TEST_F(MemoryLimits, OfVersion2AreWhatIsLeftInTheTightestGroup) {
  write("job/memory.max", "500000\n");
  write("job/memory.current", "300000\n");
  write("job/memory.stat", "anon 100000\ninactive_file 150000\n");
  write("job/step/memory.max", "max\n");
  write("job/step/memory.current", "300000\n");
  EXPECT_EQ(available_memory(kMeminfo, "0::/job/step\n", root_), 350000U);
}

TEST_F(MemoryLimits, OfVersion1AreUnderTheirController) {
  write("memory/job/memory.limit_in_bytes", "400000\n");
  write("memory/job/memory.usage_in_bytes", "500000\n");
  EXPECT_EQ(available_memory(kMeminfo, "7:memory:/job\n3:cpu:/other\n", root_), 0U);
}

TEST(AvailableMemory, IsSomethingHere) { EXPECT_GT(available_memory(), 1U << 20); }

}  // namespace
}  // namespace penumbra::comm
