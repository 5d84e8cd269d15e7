#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mpi.h>

namespace penumbra::comm {

/// Throws CommError with MPI's own text unless `code` is MPI_SUCCESS; `call` says what was tried.
void check(int code, const std::string& call);

/// An MPI communicator of its own. Made, used and destroyed on the communication thread only; collective over its
/// ranks.
class Communicator {
 public:
  /// All ranks of the job.
  static Communicator duplicate_world();
  /// The ranks that share this host's memory.
  static Communicator of_host();

  ~Communicator();
  Communicator(Communicator&& other) noexcept;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  Communicator& operator=(Communicator&&) = delete;

  MPI_Comm handle() const { return comm_; }
  int rank() const { return rank_; }
  int size() const { return size_; }

  void barrier() const;
  /// `root`'s bytes on every rank.
  std::string broadcast(std::string bytes, int root) const;
  /// Every rank's bytes, in rank order.
  std::vector<std::string> all_gather(const std::string& bytes) const;

 private:
  explicit Communicator(MPI_Comm comm);

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
};

}  // namespace penumbra::comm
