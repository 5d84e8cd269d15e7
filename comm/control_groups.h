#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace penumbra::comm {

/// The text of a file, "" where there is none.
std::string text_of_file(const std::filesystem::path& path);

/// Calls `visit` with the folders of a process's control group and those above it, as far as they are mounted.
/// `controller`: "cpu" or "memory"; `groups`: the text of /proc/self/cgroup; `root`: the folder /sys/fs/cgroup. Knows
/// versions 1 and 2.
void visit_control_groups(const std::string& controller, const std::string& groups, const std::filesystem::path& root,
                          const std::function<void(const std::filesystem::path&)>& visit);

}  // namespace penumbra::comm
