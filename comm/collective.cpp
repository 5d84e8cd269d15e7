#include "comm/collective.h"

#include <stdexcept>
#include <string>

namespace penumbra::comm {
namespace {

class Done : public Work::State {
 public:
  void wait() override {}
};

}  // namespace

Work Work::done() { return Work(std::make_shared<Done>()); }

Interval part_of(std::int64_t size, int rank, int world_size) {
  const std::int64_t begin = size * rank / world_size;
  return {begin, size * (rank + 1) / world_size - begin};
}

void require_sendable(const at::Tensor& tensor, Wire wire) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
    case at::kDouble:
    case at::kLong:
    case at::kByte:
      break;
    default:
      throw std::invalid_argument(std::string("collectives take fp32, fp64, int64 and uint8 tensors, not ") +
                                  c10::toString(tensor.scalar_type()));
  }
  if (!tensor.is_contiguous()) throw std::invalid_argument("collectives work in place: the tensor must be contiguous");
  if (wire == Wire::bf16 && tensor.scalar_type() != at::kFloat)
    throw std::invalid_argument("only fp32 tensors can go as bf16");
}

void require_root(int root, int world_size) {
  if (root >= 0 && root < world_size) return;
  throw std::invalid_argument("broadcast from rank " + std::to_string(root) + " of " + std::to_string(world_size));
}

}  // namespace penumbra::comm
