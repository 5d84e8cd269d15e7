#include "comm/cores.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>

#include "tests/comm/control_groups_testing.h"

namespace penumbra::comm {
namespace {

namespace fs = std::filesystem;

class ControlGroups : public testing::WithControlGroups {
 protected:
  double cpus(const std::string& groups) const {
    const auto quota = cgroup_quota(groups, root_);
    return quota ? quota->cpus : 0;
  }
};

TEST_F(ControlGroups, Version2QuotaIsItsShareOfThePeriod) {
  write("job/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpus("0::/job\n"), 1.5);
}

TEST_F(ControlGroups, WithoutAQuotaThereIsNone) {
  EXPECT_EQ(cpus(""), 0);
  EXPECT_EQ(cpus("0::/\n"), 0);
  write("job/cpu.max", "max 100000\n");
  EXPECT_EQ(cpus("0::/job\n"), 0);
  write("cpu/job/cpu.cfs_quota_us", "-1\n");
  write("cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus("3:cpu:/job\n"), 0);
}

TEST_F(ControlGroups, TheTightestOfTheGroupsAboveBinds) {
  write("slurm/cpu.max", "400000 100000\n");
  write("slurm/job/cpu.max", "200000 100000\n");
  write("slurm/job/step/cpu.max", "max 100000\n");
  const auto quota = cgroup_quota("0::/slurm/job/step\n", root_);
  ASSERT_TRUE(quota.has_value());
  EXPECT_EQ(quota->cpus, 2);
  EXPECT_EQ(fs::path(quota->group).lexically_normal(), root_ / "slurm/job");
}

TEST_F(ControlGroups, Version1QuotaIsUnderItsControllers) {
  write("cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n");
  write("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus("5:memory:/job\n4:cpu,cpuacct:/job\n"), 2.5);
  EXPECT_EQ(cpus("5:memory:/job\n4:cpuset:/job\n"), 0) << "only the cpu controller has quotas";
}

TEST_F(ControlGroups, PathOfTheHostEndsAtTheContainersOwnGroup) {
  write("cpu.max", "300000 100000\n");
  EXPECT_EQ(cpus("0::/docker/not-mounted-here\n"), 3);
}

TEST(UsableCores, AreSharedByThoseWithTheSameMaskAndQuota) {
  CpuLimits limits;
  limits.mask_cores = 8;
  EXPECT_EQ(usable_cores(limits, 1, 1), 8);
  EXPECT_EQ(usable_cores(limits, 4, 4), 2);
  EXPECT_EQ(usable_cores(limits, 3, 3), 2);
  EXPECT_EQ(usable_cores(limits, 100, 100), 1);
  limits.quota = 6;
  EXPECT_EQ(usable_cores(limits, 1, 4), 1);  // bound apart, but with one quota
  EXPECT_EQ(usable_cores(limits, 1, 2), 3);
  EXPECT_EQ(usable_cores(limits, 2, 1), 4);
  limits.quota = 0.5;
  EXPECT_EQ(usable_cores(limits, 1, 1), 1);
}

TEST(CpuLimits, MaskIsWhereThisThreadMayRun) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(cpu_limits().mask_cores, CPU_COUNT(&before));
  int core = 0;
  while (!CPU_ISSET(core, &before)) ++core;
  CpuLimits limits;
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    limits = cpu_limits();
  }).join();
  EXPECT_EQ(limits.mask_cores, 1);
  EXPECT_EQ(limits.mask.substr(0, std::to_string(core).size()), std::to_string(core));
}

}  // namespace
}  // namespace penumbra::comm
