#include "comm/mpi_collective.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "comm/bf16_wire.h"

namespace penumbra::comm {
namespace {

constexpr std::size_t kLeastPairwiseBytes = std::size_t{32} << 10;  ///< below it the number of hops counts

class Posted : public Work::State {
 public:
  explicit Posted(std::shared_future<void> done) : done_(std::move(done)) {}
  void wait() override { done_.get(); }

 private:
  std::shared_future<void> done_;
};

MPI_Datatype mpi_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return MPI_FLOAT;
    case at::kDouble:
      return MPI_DOUBLE;
    case at::kLong:
      return MPI_INT64_T;
    case at::kByte:
      return MPI_UINT8_T;
    default:
      throw std::invalid_argument(std::string("collectives take fp32, fp64, int64 and uint8 tensors, not ") +
                                  c10::toString(type));
  }
}

/// Calls `piece(pointer, count)` until all elements are done; once, with count 0, for an empty tensor.
template <typename Piece>
void for_pieces(const at::Tensor& tensor, std::int64_t piece_bytes, const Piece& piece) {
  const std::int64_t element = tensor.element_size();
  const std::int64_t most = std::max<std::int64_t>(1, piece_bytes / element);
  auto* data = static_cast<char*>(tensor.mutable_data_ptr());
  std::int64_t left = tensor.numel();
  do {
    const std::int64_t count = std::min(left, most);
    piece(data, static_cast<int>(count));
    data += count * element;
    left -= count;
  } while (left > 0);
}

void require_countable(const at::Tensor& tensor) {
  if (tensor.numel() > std::numeric_limits<int>::max()) {
    throw std::invalid_argument("a collective of " + std::to_string(tensor.numel()) +
                                " elements: use smaller sync.bucket_bytes");
  }
}

/// What only MPI asks, on top of what every collective does.
void require_for_mpi(const at::Tensor& tensor, Wire wire) {
  require_sendable(tensor, wire);
  if (!tensor.device().is_cpu()) throw std::invalid_argument("MPI collectives take tensors in host memory");
  if (wire == Wire::bf16) require_countable(tensor);
}

PairwiseExchange::Elements elements_of(const at::Tensor& tensor) {
  return {tensor.mutable_data_ptr(), tensor.numel(), static_cast<std::size_t>(tensor.element_size()),
          mpi_type(tensor.scalar_type())};
}

/// Every rank's part of a tensor, as MPI takes them.
struct Parts {
  std::vector<int> counts, offsets;

  Parts(std::int64_t size, int ranks) {
    for (int rank = 0; rank < ranks; ++rank) {
      const Interval part = part_of(size, rank, ranks);
      counts.push_back(static_cast<int>(part.size));
      offsets.push_back(static_cast<int>(part.offset));
    }
  }
};

std::string describe(const char* what, const at::Tensor& tensor) {
  return std::string(what) + " of " + std::to_string(tensor.nbytes()) + " bytes";
}

void reduce_scatter_sum(const at::Tensor& tensor, const Communicator& communicator) {
  const Parts parts(tensor.numel(), communicator.size());
  auto* data = static_cast<char*>(tensor.mutable_data_ptr());
  check(MPI_Reduce_scatter(MPI_IN_PLACE, data, parts.counts.data(), mpi_type(tensor.scalar_type()), MPI_SUM,
                           communicator.handle()),
        describe("reduce-scatter", tensor));
  // In place, MPI leaves a rank's part at the front.
  const auto rank = static_cast<std::size_t>(communicator.rank());
  const std::int64_t element = tensor.element_size();
  std::memmove(data + parts.offsets[rank] * element, data, static_cast<std::size_t>(parts.counts[rank] * element));
}

void all_gather(const at::Tensor& tensor, const Communicator& communicator) {
  const Parts parts(tensor.numel(), communicator.size());
  check(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, tensor.mutable_data_ptr(), parts.counts.data(),
                       parts.offsets.data(), mpi_type(tensor.scalar_type()), communicator.handle()),
        describe("all-gather", tensor));
}

}  // namespace

void all_reduce_sum(const at::Tensor& tensor, const Communicator& communicator, std::int64_t piece_bytes) {
  const MPI_Datatype type = mpi_type(tensor.scalar_type());
  for_pieces(tensor, piece_bytes, [&](void* data, int count) {
    check(MPI_Allreduce(MPI_IN_PLACE, data, count, type, MPI_SUM, communicator.handle()),
          describe("all-reduce", tensor));
  });
}

void broadcast(const at::Tensor& tensor, int root, const Communicator& communicator, std::int64_t piece_bytes) {
  const MPI_Datatype type = mpi_type(tensor.scalar_type());
  for_pieces(tensor, piece_bytes, [&](void* data, int count) {
    check(MPI_Bcast(data, count, type, root, communicator.handle()), describe("broadcast", tensor));
  });
}

/// Every rank's bf16 addends of this rank's part come here and are added in rank order: one rounding an addend, however
/// many ranks there are.
void MpiCollective::reduce_scatter_as_bf16(const at::Tensor& tensor) {
  const Parts parts(tensor.numel(), world_size());
  const std::span<float> values(tensor.mutable_data_ptr<float>(), static_cast<std::size_t>(tensor.numel()));
  const Interval own = part_of(tensor.numel(), rank(), world_size());
  const auto own_size = static_cast<std::size_t>(own.size);
  sent_.resize(values.size());
  received_.resize(own_size * static_cast<std::size_t>(world_size()));
  to_bf16(values, sent_);
  const std::vector<int> counts(parts.counts.size(), static_cast<int>(own.size));
  std::vector<int> offsets(parts.counts.size());
  for (std::size_t from = 1; from < offsets.size(); ++from) offsets[from] = offsets[from - 1] + counts[from];
  check(MPI_Alltoallv(sent_.data(), parts.counts.data(), parts.offsets.data(), MPI_UINT16_T, received_.data(),
                      counts.data(), offsets.data(), MPI_UINT16_T, communicator_.handle()),
        describe("reduce-scatter as bf16", tensor));
  std::vector<const void*> rows;
  for (int whose = 0; whose < world_size(); ++whose)
    rows.push_back(received_.data() + own_size * static_cast<std::size_t>(whose));
  sum_bf16(rows, values.subspan(static_cast<std::size_t>(own.offset), own_size));
}

void MpiCollective::all_reduce_as_bf16(const at::Tensor& tensor) {
  reduce_scatter_as_bf16(tensor);
  const Parts parts(tensor.numel(), world_size());
  const std::span<float> values(tensor.mutable_data_ptr<float>(), static_cast<std::size_t>(tensor.numel()));
  const Interval own = part_of(tensor.numel(), rank(), world_size());
  const auto offset = static_cast<std::size_t>(own.offset), size = static_cast<std::size_t>(own.size);
  to_bf16(values.subspan(offset, size), std::span(sent_).subspan(offset, size));
  check(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, sent_.data(), parts.counts.data(), parts.offsets.data(),
                       MPI_UINT16_T, communicator_.handle()),
        describe("all-reduce as bf16", tensor));
  from_bf16(sent_, values);
}

bool MpiCollective::by_pairs(const at::Tensor& tensor) const {
  return path_ == Path::pairwise && tensor.nbytes() >= kLeastPairwiseBytes;
}

/// Reduce-scatter, and with `gather` all-reduce.
void MpiCollective::sum_by_pairs(const at::Tensor& tensor, Wire wire, bool gather) {
  const auto run = [&](const PairwiseExchange::Elements& elements, const PairwiseExchange::Sum& sum) {
    gather ? pairwise_.all_reduce(elements, sum) : pairwise_.reduce_scatter(elements, sum);
  };
  if (wire == Wire::exact) return run(elements_of(tensor), sum_in_place(elements_of(tensor)));
  const std::span<float> values(tensor.mutable_data_ptr<float>(), static_cast<std::size_t>(tensor.numel()));
  sent_.resize(values.size());
  to_bf16(values, sent_);
  const auto sum = [&](std::int64_t offset, std::int64_t count, std::span<const void* const> rows) {
    const auto own = values.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
    sum_bf16(rows, own);
    if (gather) to_bf16(own, std::span(sent_).subspan(static_cast<std::size_t>(offset), own.size()));
  };
  run({sent_.data(), tensor.numel(), sizeof(std::uint16_t), MPI_UINT16_T}, sum);
  if (gather) from_bf16(sent_, values);
}

Work MpiCollective::post(const char* name, const at::Tensor& tensor, MpiThread::Job job) {
  if (world_size() == 1) return Work::done();
  const auto bytes = static_cast<std::int64_t>(tensor.nbytes());
  return Work(std::make_shared<Posted>(thread_.post(name, bytes, std::move(job))));
}

Work MpiCollective::all_reduce_sum(const at::Tensor& tensor, Wire wire) {
  require_for_mpi(tensor, wire);
  if (by_pairs(tensor))
    return post("all-reduce by pairs", tensor, [this, tensor, wire] { sum_by_pairs(tensor, wire, true); });
  if (wire == Wire::bf16) return post("all-reduce as bf16", tensor, [this, tensor] { all_reduce_as_bf16(tensor); });
  return post("all-reduce", tensor, [this, tensor] { comm::all_reduce_sum(tensor, communicator_, piece_bytes_); });
}

Work MpiCollective::reduce_scatter_sum(const at::Tensor& tensor, Wire wire) {
  require_for_mpi(tensor, wire);
  require_countable(tensor);
  if (by_pairs(tensor))
    return post("reduce-scatter by pairs", tensor, [this, tensor, wire] { sum_by_pairs(tensor, wire, false); });
  if (wire == Wire::bf16)
    return post("reduce-scatter as bf16", tensor, [this, tensor] { reduce_scatter_as_bf16(tensor); });
  return post("reduce-scatter", tensor, [this, tensor] { comm::reduce_scatter_sum(tensor, communicator_); });
}

Work MpiCollective::all_gather(const at::Tensor& tensor) {
  require_for_mpi(tensor, Wire::exact);
  require_countable(tensor);
  if (by_pairs(tensor))
    return post("all-gather by pairs", tensor, [this, tensor] { pairwise_.all_gather(elements_of(tensor)); });
  return post("all-gather", tensor, [this, tensor] { comm::all_gather(tensor, communicator_); });
}

Work MpiCollective::broadcast(const at::Tensor& tensor, int root) {
  require_for_mpi(tensor, Wire::exact);
  require_root(root, world_size());
  return post("broadcast", tensor,
              [this, tensor, root] { comm::broadcast(tensor, root, communicator_, piece_bytes_); });
}

}  // namespace penumbra::comm
