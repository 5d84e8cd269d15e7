#include "trainer/checkpoint/exchange.h"

#include <utility>

#include <ATen/ops/from_blob.h>
#include <nlohmann/json.hpp>

namespace penumbra::comm {
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Interval, offset, size)
}  // namespace penumbra::comm

namespace penumbra::trainer {
namespace {

/// Everything but the values, of which it says how many there are.
std::string outline_of(const StateArrays& share) {
  nlohmann::json outline = nlohmann::json::object();
  for (const auto& [name, part] : share) outline[name] = {part.size, part.intervals, part.values.size(), part.sparse};
  return outline.dump();
}

StateArrays empty_share(const std::string& outline) {
  const auto json = nlohmann::json::parse(outline);
  StateArrays share;
  for (const auto& [name, part] : json.items()) {
    share[name] = {part[0], part[1].get<std::vector<comm::Interval>>(), std::vector<float>(part[2].get<std::size_t>()),
                   part[3]};
  }
  return share;
}

}  // namespace

std::vector<StateArrays> exchange(std::vector<StateArrays> own, std::size_t shards, comm::World& world) {
  std::vector<StateArrays> all;
  for (std::size_t shard = 0; shard < shards; ++shard) {
    const int owner = static_cast<int>(shard % static_cast<std::size_t>(world.size()));
    const bool mine = owner == world.rank();
    if (mine) all.push_back(std::move(own.at(shard / static_cast<std::size_t>(world.size()))));
    const std::string outline = world.broadcast(mine ? outline_of(all.back()) : "", owner);
    if (!mine) all.push_back(empty_share(outline));
    for (auto& [name, part] : all.back()) {
      const auto count = static_cast<std::int64_t>(part.values.size());
      world.collective().broadcast(at::from_blob(part.values.data(), {count}), owner).wait();
    }
  }
  return all;
}

}  // namespace penumbra::trainer
