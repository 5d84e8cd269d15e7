#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace penumbra::comm {

/// Where this process may compute.
struct CpuLimits {
  std::string mask;    ///< the cores of its affinity mask, e.g. "0,1,2,": equal texts are equal masks
  int mask_cores = 1;  ///< how many those are
  std::string group;   ///< the control group whose quota binds, "" without one: equal texts share the quota
  double quota = 0;    ///< CPUs worth of time that group has; 0: no limit
};

CpuLimits cpu_limits();

/// The tightest CPU quota along a process's control group and those above it. `groups` is the text of
/// /proc/self/cgroup, `root` the folder /sys/fs/cgroup. Knows versions 1 and 2.
struct CpuQuota {
  std::string group;
  double cpus = 0;
};
std::optional<CpuQuota> cgroup_quota(const std::string& groups, const std::filesystem::path& root);

/// Cores for one of `mask_ranks` ranks that share the mask, and of `group_ranks` that share the quota. >= 1.
int usable_cores(const CpuLimits& limits, int mask_ranks, int group_ranks);

}  // namespace penumbra::comm
