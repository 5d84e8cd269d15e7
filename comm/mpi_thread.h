#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>

#include "comm/watchdog/flight_recorder.h"

namespace penumbra::comm {

/// The one thread that calls MPI, from MPI_Init to MPI_Finalize. It runs what it is given in order, and sleeps when
/// there is nothing to do. Blocking collectives on a thread of their own move faster than non-blocking ones, which Open
/// MPI advances only inside MPI calls.
class MpiThread {
 public:
  using Job = std::function<void()>;

  /// Starts MPI. Collectives are written down in `recorder`, which must outlive this. Throws CommError if that fails.
  explicit MpiThread(FlightRecorder& recorder);
  /// Runs what was posted, then ends MPI, which waits for all ranks to do the same.
  ~MpiThread();
  MpiThread(const MpiThread&) = delete;
  MpiThread& operator=(const MpiThread&) = delete;

  /// Any thread. What `job` throws comes out of the future.
  std::shared_future<void> post(Job job);
  /// The same for a collective, which is written down: every rank must post the same ones in the same order. One that
  /// throws has not ended.
  std::shared_future<void> post(std::string name, std::int64_t bytes, Job job);

 private:
  struct Posted {
    Job job;
    std::promise<void> done;
  };

  void loop(std::promise<void> started);
  void run_posted();

  FlightRecorder& recorder_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Posted> jobs_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace penumbra::comm
