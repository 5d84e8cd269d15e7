#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace penumbra::trainer {

enum class FaultKind {
  kill,     ///< SIGKILL
  stop,     ///< SIGSTOP
  nan,      ///< the step's images are not numbers
  raise,    ///< an exception ("throw")
  slow,     ///< sleeps for `seconds`
  enospc,   ///< a write fails as on a full disk
  eio,      ///< a write fails as on a broken disk
  corrupt,  ///< one bit of the shard on the disk is turned
};

enum class FaultPoint {
  step,           ///< before a step
  shard,          ///< before the rank's shard of a checkpoint is written
  shard_written,  ///< when it is on the disk
  manifest,       ///< all shards are; before the manifest is written. Rank 0 alone, like what follows
  rename,         ///< before the checkpoint gets its name
  published,      ///< when it has it
};

struct Fault {
  FaultKind kind = FaultKind::kill;
  FaultPoint at = FaultPoint::step;
  int rank = 0;
  std::int64_t step = 0;  ///< steps taken since the run began; at its first chance from there on
  int start = 0;          ///< incarnation of the run that it strikes: a restarted run does not meet it again
  double seconds = 1;
};

/// "rank=1,step=37,kind=kill[,at=shard][,start=0][,seconds=1]", the points and kinds by the names above with "-" for
/// "_" and "throw" for raise. Throws ConfigError, naming the word.
Fault parse_fault(const std::string& text);

/// Failures on purpose, each once, to see what a run makes of them. Without faults it does nothing. Any thread.
class FaultPlan {
 public:
  FaultPlan() = default;
  /// Of them those of this rank and this start.
  FaultPlan(const std::vector<Fault>& faults, int rank, int start);

  /// Strikes where a fault is due: may not return, or throw data::DataError (enospc, eio) or std::runtime_error.
  /// `file`: what the point is about.
  void reach(FaultPoint at, std::int64_t step, const std::filesystem::path& file = {});
  /// Whether this step's images are to be spoiled.
  bool spoils(std::int64_t step);

 private:
  bool take(FaultPoint at, std::int64_t step, bool nan, Fault& fault);

  std::mutex mutex_;
  std::vector<Fault> pending_;
};

}  // namespace penumbra::trainer
