#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "comm/collective.h"

namespace penumbra::comm {

/// The ranks of this job. Constructing it starts MPI; without mpirun it is a world of one. One World a process. All MPI calls are made by one
/// communication thread, in the order in which they were handed over; no other thread calls MPI.
class World {
 public:
  World();
  /// Ends MPI. After an exception on this rank alone call abort() instead: the others would wait for it.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int rank() const;
  int size() const;
  int local_rank() const;   ///< rank among those on this host
  int local_size() const;   ///< ranks on this host
  const std::string& host() const;
  /// Cores this rank may use: its affinity mask and cgroup quota, shared among the host's ranks when they are not bound apart. >= 1.
  int cores() const;

  /// Gradients and other bulk traffic: a communicator of its own.
  Collective& collective();

  // Control traffic, blocking, every rank must call; on a communicator of its own.
  void barrier();
  std::string broadcast(const std::string& bytes, int root = 0);
  /// Every rank's bytes, in rank order, on every rank.
  std::vector<std::string> all_gather(const std::string& bytes);

  /// Runs `work` on this rank and lets all ranks know whether it threw: if any did, every rank throws: the failing ones
  /// their own exception, the others PeerFailure, which carries the same exit code and says nothing more.
  /// For start-up and epoch ends, where one rank's bad file must end the job everywhere, within seconds.
  void all_or_none(const std::function<void()>& work, const std::function<int(std::exception_ptr)>& exit_code);

  /// Throws CommError on every rank, naming the ranks that differ from rank 0, unless `value` is the same on all.
  /// `what` names it for the user: "configuration", "training data", "parameter layout".
  void require_agreement(const std::string& what, const std::string& value);

  /// Ends the whole job at once with this exit code (MPI_Abort). Does not return.
  [[noreturn]] void abort(int exit_code);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Another rank failed and has said why; this one only has to leave with the same exit code.
class PeerFailure : public std::exception {
 public:
  explicit PeerFailure(int exit_code) : exit_code_(exit_code) {}
  const char* what() const noexcept override { return "another rank failed"; }
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace penumbra::comm
