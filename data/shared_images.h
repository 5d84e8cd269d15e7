#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>

#include "comm/world.h"
#include "data/plan/windows.h"
#include "data/store/sample_set.h"

namespace penumbra::data {

/// Brings images that every rank has opened (open_split, open_variant) into memory: one copy a host, which its ranks
/// fill together. They stay in the files where they are more than `limit` bytes - 0: three quarters of what any host
/// has free, counted now. All ranks call; `exit_code`: as for World::all_or_none(), which ends the job where a file
/// cannot be read. The images must not outlive the world.
void share_images(Images& images, std::uint64_t limit, comm::World& world,
                  const std::function<int(std::exception_ptr)>& exit_code);

/// How an epoch goes through a set whose images are in files, so that what is held of them stays below `limit` bytes
/// (0: 1.5 GiB), or three batches where these are more. No windows for one in memory. A pure function of the set's
/// size, not of ranks or hosts.
Windows windows_of(const SampleSet& set, std::uint64_t limit, std::int64_t global_batch);

/// Where images are, for the user: "63 MiB in memory, one copy for the 2 ranks of a host". In files without windows
/// they are read batch by batch.
std::string describe_images(const Images& images, const Windows& windows, const comm::World& world);

}  // namespace penumbra::data
