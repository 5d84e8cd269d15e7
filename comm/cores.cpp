#include "comm/cores.h"

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <system_error>
#include <vector>

#include <sched.h>

#include "comm/control_groups.h"

namespace penumbra::comm {
namespace {

namespace fs = std::filesystem;

/// CPUs that one folder of the control groups allows; 0: it says nothing.
double limit_of(const fs::path& folder) {
  double quota = 0, period = 0;
  std::istringstream v2(text_of_file(folder / "cpu.max"));  // "max 100000" or "150000 100000"
  if (v2 >> quota >> period) return period > 0 ? quota / period : 0;
  std::istringstream v1(text_of_file(folder / "cpu.cfs_quota_us") + " " + text_of_file(folder / "cpu.cfs_period_us"));
  if (v1 >> quota >> period && quota > 0 && period > 0) return quota / period;  // -1: no limit
  return 0;
}

/// All affinity masks fit: the kernel refuses a set that is too small for it.
std::vector<int> affinity() {
  for (int size = CPU_SETSIZE; size <= (1 << 20); size *= 2) {
    std::vector<cpu_set_t> set(static_cast<std::size_t>(size / CPU_SETSIZE));
    if (sched_getaffinity(0, set.size() * sizeof(cpu_set_t), set.data()) != 0) {
      if (errno == EINVAL) continue;
      break;
    }
    std::vector<int> cores;
    for (int core = 0; core < size; ++core) {
      if (CPU_ISSET_S(static_cast<std::size_t>(core), set.size() * sizeof(cpu_set_t), set.data())) {
        cores.push_back(core);
      }
    }
    return cores;
  }
  return {};
}

}  // namespace

std::optional<CpuQuota> cgroup_quota(const std::string& groups, const fs::path& root) {
  std::optional<CpuQuota> tightest;
  visit_control_groups("cpu", groups, root, [&](const fs::path& folder) {
    const double cpus = limit_of(folder);
    if (cpus > 0 && (!tightest || cpus < tightest->cpus)) tightest = CpuQuota{folder.string(), cpus};
  });
  return tightest;
}

CpuLimits cpu_limits() {
  CpuLimits limits;
  const std::vector<int> cores = affinity();
  for (const int core : cores) limits.mask += std::to_string(core) + ",";
  limits.mask_cores = std::max<int>(1, static_cast<int>(cores.size()));
  if (const auto quota = cgroup_quota(text_of_file("/proc/self/cgroup"), "/sys/fs/cgroup")) {
    limits.group = quota->group;
    limits.quota = quota->cpus;
  }
  return limits;
}

int usable_cores(const CpuLimits& limits, int mask_ranks, int group_ranks) {
  int cores = limits.mask_cores / std::max(1, mask_ranks);
  if (limits.quota > 0) cores = std::min(cores, static_cast<int>(limits.quota / std::max(1, group_ranks)));
  return std::max(1, cores);
}

}  // namespace penumbra::comm
