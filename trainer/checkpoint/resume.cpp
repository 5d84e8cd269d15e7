#include "trainer/checkpoint/resume.h"

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "data/error.h"
#include "trainer/checkpoint/exchange.h"
#include "trainer/config.h"
#include "trainer/exit_code.h"

namespace penumbra::trainer {
namespace {

/// Sections and keys that change nothing of what is learned, or only how long.
constexpr std::array<const char*, 18> kMayChange = {"log.",
                                                    "monitor.",
                                                    "watchdog.",
                                                    "checkpoint.",
                                                    "stop.",
                                                    "sync.path",
                                                    "sync.first_bucket_bytes",
                                                    "sync.bucket_bytes",
                                                    "run.dir",
                                                    "data.memory_limit",
                                                    "data.prefetch",
                                                    "data.threads",
                                                    "train.epochs",
                                                    "train.graph",
                                                    "train.threads",
                                                    "train.non_finite",
                                                    "train.tune_steps",
                                                    "evaluation.every"};

/// "section.key" -> value.
std::map<std::string, std::string> entries(const std::string& toml) {
  std::map<std::string, std::string> out;
  std::istringstream lines(toml);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) section = line.substr(1, line.find(']') - 1);
    const auto equals = line.find(" = ");
    if (equals != std::string::npos) out[section + "." + line.substr(0, equals)] = line.substr(equals + 3);
  }
  return out;
}

bool may_change(const std::string& key) {
  return std::any_of(kMayChange.begin(), kMayChange.end(), [&](const char* name) { return key.starts_with(name); });
}

}  // namespace

Resumed read_checkpoint(const CheckpointFolder& folder, const std::string& name, comm::World& world) {
  const auto rank = static_cast<std::size_t>(world.rank()), ranks = static_cast<std::size_t>(world.size());
  Resumed resumed{name, {}, {}};
  std::vector<StateArrays> own;
  std::string problem;
  try {
    resumed.manifest = folder.manifest_of(name);
    own = folder.read_shards(name, resumed.manifest, rank, ranks);
  } catch (const std::exception& failure) {  // whatever it is, the other ranks must hear of it
    problem = failure.what();
  }
  for (const std::string& theirs : world.all_gather(problem)) {
    if (!theirs.empty()) throw data::DataError(theirs);
  }
  resumed.arrays = join(exchange(std::move(own), resumed.manifest.shards.size(), world));
  return resumed;
}

std::optional<Resumed> newest_whole(const CheckpointFolder& folder, comm::World& world) {
  std::string names;
  const auto list = [&] {
    if (world.rank() != 0) return;
    for (const std::string& name : folder.lineage()) names += name + " ";
  };
  world.all_or_none(list, exit_code_of);
  std::istringstream all(world.broadcast(names));
  for (std::string name; all >> name;) {
    try {
      return read_checkpoint(folder, name, world);
    } catch (const data::DataError& problem) {
      if (world.rank() == 0) spdlog::warn("checkpoint {} is damaged and passed over: {}", name, problem.what());
    }
  }
  return std::nullopt;
}

void require_same_run(const std::string& what, const std::string& then, const std::string& now) {
  const auto before = entries(then);
  for (const auto& [key, value] : entries(now)) {
    const auto found = before.find(key);
    if (found == before.end() || found->second == value || may_change(key)) continue;
    throw ConfigError(fmt::format(
        "cannot resume {}: {} was {}, now it is {}: choose another run.dir, or pass --overwrite to begin anew", what,
        key, found->second, value));
  }
}

void require_compatible(const Resumed& resumed, const std::string& config, const std::string& data) {
  require_same_run(resumed.name, resumed.manifest.config, config);
  if (resumed.manifest.data != data) {
    throw ConfigError(fmt::format(
        "cannot resume {}: the data differ ({}, then {}): choose another run.dir, or pass --overwrite to begin anew",
        resumed.name, data, resumed.manifest.data));
  }
}

}  // namespace penumbra::trainer
