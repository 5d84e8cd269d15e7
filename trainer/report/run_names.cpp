#include "trainer/report/run_names.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace penumbra::trainer {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> parts_of(const std::string& folder) {
  const fs::path path = fs::path(folder).lexically_normal();
  std::vector<fs::path> parts(path.begin(), path.end());
  if (parts.size() > 1 && parts.back().empty()) parts.pop_back();  // "runs/a/" is "runs/a"
  return parts;
}

void drop_end(std::string& text, std::string_view characters) { text.erase(text.find_last_not_of(characters) + 1); }

}  // namespace

std::vector<std::string> run_names(std::span<const std::string> folders) {
  std::vector<std::vector<fs::path>> all;
  for (const std::string& folder : folders) all.push_back(parts_of(folder));
  std::size_t shared = all.empty() ? 0 : all.front().size();
  for (const auto& parts : all) {
    const auto [mine, other] = std::mismatch(all.front().begin(), all.front().end(), parts.begin(), parts.end());
    shared = std::min({shared, static_cast<std::size_t>(mine - all.front().begin()), parts.size() - 1});
  }
  std::vector<std::string> names;
  for (const auto& parts : all) {
    fs::path name;
    for (std::size_t i = shared; i < parts.size(); ++i) name /= parts[i];
    names.push_back(name.string());
  }
  return names;
}

std::string method_name(std::span<const std::string> names) {
  if (names.size() == 1) return names.front();
  std::string shared = names.front();
  for (const std::string& name : names) {
    const auto [mine, other] = std::mismatch(shared.begin(), shared.end(), name.begin(), name.end());
    shared.erase(mine, shared.end());
  }
  constexpr std::string_view kSeed = "seed", kSeparators = "-_./ ";
  drop_end(shared, "0123456789");
  drop_end(shared, kSeparators);
  if (shared.size() >= kSeed.size() && shared.compare(shared.size() - kSeed.size(), kSeed.size(), kSeed) == 0) {
    shared.erase(shared.size() - kSeed.size());
    drop_end(shared, kSeparators);
  }
  return shared;
}

}  // namespace penumbra::trainer
