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

Checkpointer::Checkpointer(const CheckpointFolder& folder, comm::World& world, std::int64_t keep)
    : folder_(folder), world_(world), keep_(keep) {}

Checkpointer::~Checkpointer() {
  if (writer_.joinable()) writer_.join();
}

void Checkpointer::begin(StateArrays arrays, Manifest manifest) {
  if (in_flight_) commit();
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
  writer_ = std::thread([this, arrays = std::move(arrays)] { write(arrays); });
}

void Checkpointer::write(const StateArrays& arrays) {
  try {
    if (problem_.empty())
      stamp_ = write_shard(CheckpointFolder::shard_in(folder_.partial_of(name_), world_.rank()), arrays);
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
    folder_.publish(name_, manifest_);
  } catch (const std::exception& failure) {
    spdlog::warn("checkpoint {} is abandoned: {}", name_, failure.what());
    std::error_code ignored;
    std::filesystem::remove_all(folder_.partial_of(name_), ignored);
    return false;
  }
  try {
    folder_.prune(static_cast<std::size_t>(keep_), manifest_.incarnation);
  } catch (const std::exception& failure) {
    spdlog::warn("old checkpoints stay: {}", failure.what());
  }
  return true;
}

}  // namespace penumbra::trainer
