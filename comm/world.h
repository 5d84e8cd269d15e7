#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "comm/collective.h"
#include "comm/watchdog/flight_recorder.h"

namespace penumbra::comm {

/// The ranks of this job. Constructing it starts MPI; without mpirun it is a world of one. One World a process, once.
/// All MPI calls are made by one communication thread, in the order in which they were handed over; no other thread
/// calls MPI. That order, over collective() and control traffic together, must be the same on every rank. Failed MPI
/// calls are CommErrors.
class World {
 public:
  World();
  /// Ends MPI, once all ranks do. After an exception on this rank alone call abort() instead: the others would wait for
  /// it.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int rank() const;
  int size() const;
  int local_rank() const;  ///< rank among those on this host
  int local_size() const;  ///< ranks on this host
  const std::string& host() const;
  const std::string& library() const;  ///< name and version of the MPI library
  /// Cores this rank may use: its affinity mask and cgroup quota, each shared among the host's ranks that have the
  /// same one (ranks that are bound apart do not). >= 1.
  int cores() const;

  /// Gradients and other bulk traffic: a communicator of its own for tensors in host memory, and what add_device() gave
  /// for others.
  Collective& collective();
  /// How tensors in host memory travel from now on; at first by pairs where the ranks are few and on several hosts. All
  /// ranks call.
  void set_path(Path path);
  Path path() const;
  /// Tensors of a device go by `device` from now on. All ranks call, once.
  void add_device(std::unique_ptr<Collective> device);
  /// What crossed the network last, and the phase that the job is in.
  FlightRecorder& recorder();

  // Control traffic, blocking, every rank must call; on a communicator of its own.
  void barrier();
  std::string broadcast(const std::string& bytes, int root = 0);
  /// From the first rank of this host to its others; all ranks of the job call.
  std::string broadcast_on_host(const std::string& bytes);
  /// Every rank's bytes, in rank order, on every rank.
  std::vector<std::string> all_gather(const std::string& bytes);
  std::vector<std::vector<double>> all_gather(const std::vector<double>& values);
  /// The largest of all ranks' values, place by place; every rank gives as many.
  std::vector<double> largest(std::vector<double> values);

  /// Runs `job`, which may call MPI, on the communication thread and waits; rethrows what it throws.
  void run(const std::function<void()>& job);

  /// Runs `work` on this rank and lets all ranks know whether it threw. If any did, every rank throws, and exactly one
  /// has something to say, the lowest that failed: its own exception if all ranks failed, RankFailure around it
  /// otherwise. The others throw PeerFailure with the same exit code, which is what `exit_code` makes of that
  /// exception. For start-up and epoch ends, where one rank's bad file must end the job everywhere, within seconds.
  void all_or_none(const std::function<void()>& work, const std::function<int(std::exception_ptr)>& exit_code);

  /// Throws unless `value` is the same on all ranks: on rank 0 a CommError that names the ranks that differ and the
  /// first line in which one does, PeerFailure on the others. `what` names it for the user: "configuration", "training
  /// data", "parameter layout".
  void require_agreement(const std::string& what, const std::string& value);

  /// Ends the whole job at once with this exit code (MPI_Abort), and this process within seconds even where that hangs.
  /// Does not return. Any thread.
  [[noreturn]] void abort(int exit_code);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// This rank failed, but not all did. what() is "rank 2: " and the cause's own message.
class RankFailure : public std::exception {
 public:
  RankFailure(int rank, std::exception_ptr cause);
  const char* what() const noexcept override { return message_.c_str(); }
  int rank() const { return rank_; }
  const std::exception_ptr& cause() const { return cause_; }

 private:
  int rank_;
  std::exception_ptr cause_;
  std::string message_;
};

/// Another rank failed and says why; this one only has to leave with the same exit code.
class PeerFailure : public std::exception {
 public:
  explicit PeerFailure(int exit_code) : exit_code_(exit_code) {}
  const char* what() const noexcept override { return "another rank failed"; }
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace penumbra::comm
