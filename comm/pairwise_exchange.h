#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <mpi.h>

#include "comm/communicator.h"

namespace penumbra::comm {

/// Reduce-scatter and all-gather of part_of()'s parts by messages between every two ranks, for networks: as many bytes
/// as a ring, in two hops. Where nothing has arrived the calling thread sleeps, so that a core that also computes is
/// not spent on waiting, as it is in MPI's own collectives. Sums are made in rank order: their bits depend neither on
/// the pieces nor on who is late. On the communication thread only. Throw CommError.
class PairwiseExchange {
 public:
  /// Elements in memory, as MPI knows them.
  struct Elements {
    void* data = nullptr;
    std::int64_t count = 0;
    std::size_t bytes = 4;  ///< of one
    MPI_Datatype type = MPI_FLOAT;
  };
  /// Adds rows[0], rows[1], ... - all ranks' values of `count` elements from `offset` on, this rank's own among them.
  using Sum = std::function<void(std::int64_t offset, std::int64_t count, std::span<const void* const> rows)>;

  /// Short enough for MPI to send at once (mpi_thread.cpp raises its limit), without asking the receiver first: an
  /// answer takes as long as both threads sleep.
  static constexpr std::int64_t kPieceBytes = std::int64_t{64} << 10;

  /// `communicator` must outlive this. A message has at most `piece_bytes`, the same on every rank.
  explicit PairwiseExchange(const Communicator& communicator, std::int64_t piece_bytes = kPieceBytes)
      : communicator_(communicator), piece_bytes_(piece_bytes) {}

  /// Calls `sum` for each piece of this rank's part.
  void reduce_scatter(Elements elements, const Sum& sum) { exchange(elements, &sum, false); }
  /// Every rank's part becomes everybody's.
  void all_gather(Elements elements) { exchange(elements, nullptr, true); }
  /// Both, piece by piece; `sum` leaves what is to be gathered in `elements`.
  void all_reduce(Elements elements, const Sum& sum) { exchange(elements, &sum, true); }

 private:
  class Piece;
  void exchange(Elements elements, const Sum* sum, bool gather);

  const Communicator& communicator_;
  const std::int64_t piece_bytes_;
  std::vector<std::vector<char>> received_;  ///< one a piece under way: the other ranks' addends
};

/// For exact types: leaves the sums where `elements` lie. fp32, fp64, int64 and uint8.
PairwiseExchange::Sum sum_in_place(PairwiseExchange::Elements elements);

}  // namespace penumbra::comm
