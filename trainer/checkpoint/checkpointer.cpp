#include "trainer/checkpoint/checkpointer.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace penumbra::trainer {
namespace {

constexpr const char* kWritten = "written ";

}  // namespace

Checkpointer::Checkpointer(const CheckpointFolder& folder, comm::World& world, std::int64_t keep, FaultPlan& faults)
    : folder_(folder), world_(world), keep_(keep), faults_(faults) {}

Checkpointer::~Checkpointer() {
  if (writer_.joinable()) writer_.join();
}

void Checkpointer::begin(Manifest manifest) {
  if (in_flight_) throw std::logic_error("checkpointer: the one before is not committed");
  manifest_ = std::move(manifest);
  name_ = CheckpointFolder::name_of(manifest_);
  in_flight_ = true;
  done_ = false;
  problem_.clear();
  if (world_.rank() == 0) {
    try {
      folder_.open(name_);
    } catch (const std::exception& failure) {
      problem_ = failure.what();
    }
  }
  world_.barrier();
  writer_ = std::thread([this] { write(); });
}

void Checkpointer::write() {
  const std::filesystem::path shard = CheckpointFolder::shard_in(folder_.partial_of(name_), world_.rank());
  try {
    faults_.reach(FaultPoint::shard, manifest_.steps, shard);
    if (problem_.empty()) stamp_ = write_shard(shard, staging_);
    faults_.reach(FaultPoint::shard_written, manifest_.steps, shard);
  } catch (const std::exception& failure) {
    problem_ = failure.what();
  }
  done_ = true;
}

bool Checkpointer::commit() {
  writer_.join();
  in_flight_ = false;
  const std::string outcome =
      problem_.empty() ? fmt::format("{}{} {}", kWritten, stamp_.bytes, stamp_.checksum) : problem_;
  return publish(world_.all_gather(outcome));
}

bool Checkpointer::publish(const std::vector<std::string>& outcomes) {
  if (world_.rank() != 0) return true;
  try {
    for (std::size_t rank = 0; rank < outcomes.size(); ++rank) {
      if (!outcomes[rank].starts_with(kWritten))
        throw std::runtime_error(fmt::format("rank {}: {}", rank, outcomes[rank]));
      std::size_t used = 0;
      const std::string numbers = outcomes[rank].substr(std::string(kWritten).size());
      const std::uint64_t bytes = std::stoull(numbers, &used);
      manifest_.shards.push_back({bytes, std::stoull(numbers.substr(used))});
    }
    faults_.reach(FaultPoint::manifest, manifest_.steps, folder_.partial_of(name_));
    folder_.add_manifest(name_, manifest_);
    faults_.reach(FaultPoint::rename, manifest_.steps, folder_.partial_of(name_));
    folder_.publish(name_);
    bytes_ = 0;
    for (const FileStamp& shard : manifest_.shards) bytes_ += static_cast<double>(shard.bytes);
  } catch (const std::exception& failure) {
    spdlog::warn("checkpoint {} is abandoned: {}", name_, failure.what());
    folder_.abandon(name_);
    return false;
  }
  faults_.reach(FaultPoint::published, manifest_.steps);
  try {
    folder_.prune(static_cast<std::size_t>(keep_), manifest_.incarnation);
  } catch (const std::exception& failure) {
    spdlog::warn("old checkpoints stay: {}", failure.what());
  }
  try {  // after the old ones are gone: a full disk has room again
    folder_.note_newest(name_);
  } catch (const std::exception& failure) {
    spdlog::warn("{} is not noted as the newest checkpoint: {}", name_, failure.what());
  }
  return true;
}

}  // namespace penumbra::trainer
