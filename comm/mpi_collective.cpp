#include "comm/mpi_collective.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace penumbra::comm {
namespace {

class Done : public Work::State {
 public:
  void wait() override {}
};

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

void require_supported(const at::Tensor& tensor) {
  mpi_type(tensor.scalar_type());
  if (!tensor.device().is_cpu()) throw std::invalid_argument("MPI collectives take tensors in host memory");
  if (!tensor.is_contiguous()) throw std::invalid_argument("collectives work in place: the tensor must be contiguous");
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

std::string describe(const char* what, const at::Tensor& tensor) {
  return std::string(what) + " of " + std::to_string(tensor.nbytes()) + " bytes";
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

Work MpiCollective::all_reduce_sum(const at::Tensor& tensor) {
  require_supported(tensor);
  if (world_size() == 1) return Work(std::make_shared<Done>());
  return Work(std::make_shared<Posted>(thread_.post([this, tensor] { comm::all_reduce_sum(tensor, communicator_); })));
}

Work MpiCollective::broadcast(const at::Tensor& tensor, int root) {
  require_supported(tensor);
  if (root < 0 || root >= world_size()) {
    throw std::invalid_argument("broadcast from rank " + std::to_string(root) + " of " + std::to_string(world_size()));
  }
  if (world_size() == 1) return Work(std::make_shared<Done>());
  return Work(
      std::make_shared<Posted>(thread_.post([this, tensor, root] { comm::broadcast(tensor, root, communicator_); })));
}

}  // namespace penumbra::comm
