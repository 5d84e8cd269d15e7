#include "comm/memory.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <sstream>

#include "comm/control_groups.h"

namespace penumbra::comm {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// Nothing where the file is missing or says "max".
std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::istringstream text(text_of_file(file));
  std::uint64_t value = 0;
  return text >> value ? std::optional(value) : std::nullopt;
}

/// Pages of files that the kernel would drop count as used, but are not.
std::uint64_t droppable(const fs::path& folder) {
  std::istringstream lines(text_of_file(folder / "memory.stat"));
  std::uint64_t value = 0;
  for (std::string name; lines >> name >> value;) {
    if (name == "inactive_file" || name == "total_inactive_file") return value;
  }
  return 0;
}

std::uint64_t left_in(const fs::path& folder) {
  for (const auto& [limit_name, usage_name] :
       {std::pair{"memory.max", "memory.current"}, std::pair{"memory.limit_in_bytes", "memory.usage_in_bytes"}}) {
    const auto limit = number_in(folder / limit_name), usage = number_in(folder / usage_name);
    if (!limit || !usage) continue;
    const std::uint64_t used = *usage - std::min(*usage, droppable(folder));
    return *limit - std::min(*limit, used);
  }
  return kUnlimited;
}

}  // namespace

std::uint64_t available_memory(const std::string& meminfo, const std::string& groups, const fs::path& root) {
  std::uint64_t left = kUnlimited;
  std::istringstream lines(meminfo);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t kibibytes = 0;
    if (words >> name >> kibibytes && name == "MemAvailable:") left = kibibytes * 1024;
  }
  visit_control_groups("memory", groups, root, [&](const fs::path& folder) { left = std::min(left, left_in(folder)); });
  return left;
}

std::uint64_t available_memory() {
  return available_memory(text_of_file("/proc/meminfo"), text_of_file("/proc/self/cgroup"), "/sys/fs/cgroup");
}

}  // namespace penumbra::comm
