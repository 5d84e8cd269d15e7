#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "comm/watchdog/flight_recorder.h"

namespace penumbra::comm {

struct WatchdogOptions {
  double silence_seconds = 10;  ///< a rank that nobody has heard of for so long is lost
  /// A collective that does not end for so long, though every rank is heard of: in the phase "training", and in others.
  double training_stall_seconds = 300, other_stall_seconds = 1800;
};

/// A rank of the job, as the watchdog sees it.
struct Member {
  int rank = 0, size = 1;
  std::string host;
};

/// Why the job cannot go on: which rank, where, what of it.
struct Verdict {
  int rank = 0;
  std::string host, reason;
};

/// "rank 2 on node07: its process has ended".
std::string describe(const Verdict& verdict);

/// Notices on every rank, within seconds, that another rank is gone or stuck, because a blocked all-reduce cannot say
/// who is missing. A thread of its own sends heartbeats with this rank's progress to rank 0 and hears of it, over TCP
/// connections that nothing else uses. Rank 0 judges: a closed connection, a silence, or a collective that some rank
/// does not enter; it tells all. A rank that loses rank 0 judges that alone. SIGTERM, which mpirun sends when a rank
/// dies, waits for the verdict, a second at most; without one it goes to `on_term`, once, or ends the process as usual.
/// The watchdog must be made and destroyed by every rank; nobody is missed after that.
class Watchdog {
 public:
  /// Rank 0's text on every rank.
  using Broadcast = std::function<std::string(const std::string&)>;
  /// Called once, on the watchdog's thread; is expected not to return.
  using OnFailure = std::function<void(const Verdict&)>;
  /// Called on the watchdog's thread. A second SIGTERM ends the process.
  using OnTerm = std::function<void()>;

  /// Connects: every rank must call. `recorder` must outlive this. Throws CommError when rank 0 cannot be reached.
  Watchdog(Member self, WatchdogOptions options, const FlightRecorder& recorder, const Broadcast& broadcast,
           OnFailure on_failure, OnTerm on_term = nullptr);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes `folder`/rank-R.json and flushes it to the disk: the verdict, who saw it, in which phase, and this rank's
/// last collectives. What cannot be written is lost: there is a job to end.
void write_failure_record(const std::filesystem::path& folder, const Member& self, const Verdict& verdict,
                          const FlightRecorder& recorder);

}  // namespace penumbra::comm
