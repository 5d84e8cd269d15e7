#pragma once

#include <cstdint>
#include <vector>

#include "comm/collective.h"
#include "comm/communicator.h"
#include "comm/mpi_thread.h"
#include "comm/pairwise_exchange.h"

namespace penumbra::comm {

/// The collectives of MPI on host memory, in place, blocking; on the communication thread only. Longer tensors go in
/// pieces of `piece_bytes`: Open MPI slows down above 25 MiB, and its counts are 32-bit. The size of the pieces must be
/// the same on every rank. Throw CommError.
inline constexpr std::int64_t kPieceBytes = std::int64_t{25} << 20;
/// Between ranks of one host a piece should stay in the cores' caches on its way.
inline constexpr std::int64_t kSharedMemoryPieceBytes = std::int64_t{1} << 20;
void all_reduce_sum(const at::Tensor& tensor, const Communicator& communicator, std::int64_t piece_bytes = kPieceBytes);
void broadcast(const at::Tensor& tensor, int root, const Communicator& communicator,
               std::int64_t piece_bytes = kPieceBytes);

/// Collective over MPI. In a world of one nothing is sent and nothing is copied. Reduce-scatter, all-gather and what
/// goes as bf16 take at most 2^31 - 1 elements a call.
class MpiCollective : public Collective {
 public:
  /// `thread` and `communicator` must outlive this, and what is under way. `piece_bytes`: the same on every rank.
  MpiCollective(MpiThread& thread, const Communicator& communicator, std::int64_t piece_bytes = kPieceBytes)
      : thread_(thread), communicator_(communicator), piece_bytes_(piece_bytes), pairwise_(communicator) {}

  /// Of the calls from now on; at first the library. All ranks call.
  void set_path(Path path) { path_ = path; }
  Path path() const { return path_; }

  using Collective::all_reduce_sum;
  int rank() const override { return communicator_.rank(); }
  int world_size() const override { return communicator_.size(); }
  Work all_reduce_sum(const at::Tensor& tensor, Wire wire) override;
  Work reduce_scatter_sum(const at::Tensor& tensor, Wire wire) override;
  Work all_gather(const at::Tensor& tensor) override;
  Work broadcast(const at::Tensor& tensor, int root) override;

 private:
  Work post(const char* name, const at::Tensor& tensor, MpiThread::Job job);
  bool by_pairs(const at::Tensor& tensor) const;
  void reduce_scatter_as_bf16(const at::Tensor& tensor);
  void all_reduce_as_bf16(const at::Tensor& tensor);
  void sum_by_pairs(const at::Tensor& tensor, Wire wire, bool gather);

  MpiThread& thread_;
  const Communicator& communicator_;
  const std::int64_t piece_bytes_;
  Path path_ = Path::library;
  PairwiseExchange pairwise_;  ///< of the communication thread, as are those:
  std::vector<std::uint16_t> sent_, received_;
};

}  // namespace penumbra::comm
