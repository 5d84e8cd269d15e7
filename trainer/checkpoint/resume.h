#pragma once

#include <optional>
#include <string>

#include "comm/world.h"
#include "trainer/checkpoint/checkpoint_folder.h"

namespace penumbra::trainer {

/// A whole checkpoint, on every rank.
struct Resumed {
  std::string name;
  Manifest manifest;
  WholeArrays arrays;
};

/// All ranks call. Each shard is read, and checked, by one rank, which sends it to the others. Throws data::DataError
/// on every rank, naming the file that is missing or damaged.
Resumed read_checkpoint(const CheckpointFolder& folder, const std::string& name, comm::World& world);

/// The newest whole checkpoint of the folder's lineage; damaged ones are named in a warning and passed over. All ranks
/// call, all get the same one, or none.
std::optional<Resumed> newest_whole(const CheckpointFolder& folder, comm::World& world);

/// Throws ConfigError where the configuration (as TOML) differs in more than what may change between the starts of a
/// run - length, speed, logging, checkpoints; it says in what. `what` goes on.
void require_same_run(const std::string& what, const std::string& then, const std::string& now);

/// The same for a checkpoint, whose data must not differ either.
void require_compatible(const Resumed& resumed, const std::string& config, const std::string& data);

}  // namespace penumbra::trainer
