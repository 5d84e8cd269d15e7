#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace penumbra::comm {

/// Bytes that processes here may still take: what the kernel says is available, and what is left of each memory limit
/// of this process's control groups.
std::uint64_t available_memory();

/// The same from the text of /proc/meminfo and, as visit_control_groups() takes them, the control groups.
std::uint64_t available_memory(const std::string& meminfo, const std::string& groups,
                               const std::filesystem::path& root);

}  // namespace penumbra::comm
