#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "comm/world.h"
#include "trainer/checkpoint/checkpoint_folder.h"
#include "trainer/faults/fault_plan.h"

namespace penumbra::trainer {

/// Writes checkpoints while training goes on: what staging() was filled with is written by a thread of each rank, and
/// once all ranks have said that theirs is on the disk, commit() gives the checkpoint its name. One at a time. A
/// checkpoint that some rank cannot write is abandoned everywhere, with a warning, and training goes on.
class Checkpointer {
 public:
  /// All must outlive this.
  Checkpointer(const CheckpointFolder& folder, comm::World& world, std::int64_t keep, FaultPlan& faults);
  /// Waits for this rank's writing; what was not committed stays unfinished.
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  bool in_flight() const { return in_flight_; }
  /// Whether this rank's shard has been written, or has failed.
  bool written() const { return done_; }
  /// Of the last one committed, all shards; on rank 0.
  double bytes() const { return bytes_; }
  /// This rank's share of the next checkpoint, to be filled while none is in flight; it still holds the last one, so
  /// that its memory is used again.
  StateArrays& staging() { return staging_; }
  /// Writes staging(). All ranks call, with the same manifest but for its shards, while none is in flight.
  void begin(Manifest manifest);
  /// All ranks call, while in_flight(); waits for this rank's shard. On rank 0 false where it was abandoned; true on
  /// the others.
  bool commit();

 private:
  void write();
  bool publish(const std::vector<std::string>& outcomes);

  const CheckpointFolder& folder_;
  comm::World& world_;
  const std::int64_t keep_;
  FaultPlan& faults_;
  StateArrays staging_;
  bool in_flight_ = false;
  Manifest manifest_;
  std::string name_;
  std::thread writer_;
  std::atomic<bool> done_ = false;
  std::string problem_;  ///< of the thread, read once it has ended
  FileStamp stamp_;
  double bytes_ = 0;
};

}  // namespace penumbra::trainer
