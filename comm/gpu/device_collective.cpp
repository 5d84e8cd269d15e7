#include "comm/gpu/device_collective.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "comm/error.h"
#include "comm/gpu/nccl_collective.h"
#include "comm/gpu/staged_collective.h"

namespace penumbra::comm {
namespace {

/// Loads it on every rank or fails on every rank.
NcclApi nccl_of_all_ranks(World& world) {
  NcclApi nccl;
  std::string problem;
  try {
    nccl = load_nccl();
  } catch (const CommError& error) {
    problem = error.what();
  }
  const std::vector<std::string> problems = world.all_gather(problem);
  for (std::size_t rank = 0; rank < problems.size(); ++rank) {
    if (!problems[rank].empty()) throw CommError("rank " + std::to_string(rank) + ": " + problems[rank]);
  }
  return nccl;
}

/// An id that rank 0 could not make is known to all, so that none waits for the others in NCCL.
NcclUniqueId nccl_id_of_rank_0(World& world, const NcclApi& nccl) {
  NcclUniqueId id;
  const bool made = world.rank() != 0 || nccl.get_unique_id(&id) == NcclResult::success;
  const std::string bytes = world.broadcast(made ? std::string(id.bytes.begin(), id.bytes.end()) : std::string());
  if (bytes.size() != id.bytes.size()) throw CommError("rank 0: ncclGetUniqueId fails: NCCL_DEBUG=INFO says why");
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

}  // namespace

std::unique_ptr<Collective> make_device_collective(World& world, c10::Device device, const std::string& uuid,
                                                   std::function<void(const std::string&)> on_error) {
  std::vector<std::string> uuids = world.all_gather(uuid);
  std::sort(uuids.begin(), uuids.end());
  const bool shared = std::adjacent_find(uuids.begin(), uuids.end()) != uuids.end();
  if (shared) return std::make_unique<StagedCollective>(world.collective());
  NcclApi nccl = nccl_of_all_ranks(world);
  const NcclUniqueId id = nccl_id_of_rank_0(world, nccl);
  const NcclCollective::Place place{world.rank(), world.size(), device};
  return std::make_unique<NcclCollective>(std::move(nccl), id, place, world.recorder(), std::move(on_error));
}

}  // namespace penumbra::comm
