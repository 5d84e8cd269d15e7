#include "comm/control_groups.h"

#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace penumbra::comm {
namespace {

namespace fs = std::filesystem;

/// The folders below `root` where a controller list may be mounted.
std::vector<fs::path> mounts_of(const std::string& controllers, const std::string& wanted, const fs::path& root) {
  if (controllers.empty()) return {root, root / "unified"};  // version 2, or its part of a mixed system
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');) {
    if (name == wanted) return {root / controllers, root / wanted};
  }
  return {};
}

}  // namespace

std::string text_of_file(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void visit_control_groups(const std::string& controller, const std::string& groups, const fs::path& root,
                          const std::function<void(const fs::path&)>& visit) {
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {  // "hierarchy:controllers:/path"
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const fs::path path = fs::path(line.substr(second + 1)).relative_path();
    for (const fs::path& mount : mounts_of(line.substr(first + 1, second - first - 1), controller, root)) {
      // In a container the path may be the host's, which is not mounted here: the walk up ends at the container's own.
      for (fs::path at = path;; at = at.parent_path()) {
        visit(mount / at);
        if (at.empty()) break;
      }
    }
  }
}

}  // namespace penumbra::comm
