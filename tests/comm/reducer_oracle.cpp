#include "tests/comm/reducer_oracle.h"

#include <stdexcept>
#include <utility>

#include <ATen/ATen.h>
#include <mpi.h>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>

namespace penumbra::testing {
namespace {

MPI_Datatype mpi_type(at::ScalarType type) {
  if (type == at::kFloat) return MPI_FLOAT;
  if (type == at::kInt) return MPI_INT;
  throw std::logic_error(std::string("the reducer was not expected to send ") + c10::toString(type));
}

/// A collective that ended before it was asked for.
class Done : public c10d::Work {
 public:
  explicit Done(const std::vector<at::Tensor>& tensors)
      : future_(c10::make_intrusive<c10::ivalue::Future>(c10::ListType::create(c10::TensorType::get()))) {
    future_->markCompleted(c10::IValue(tensors));
  }
  bool isCompleted() override { return true; }
  bool isSuccess() const override { return true; }
  bool wait(std::chrono::milliseconds) override { return true; }
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }

 private:
  c10::intrusive_ptr<c10::ivalue::Future> future_;
};

/// Sums by way of rank 0: not the all-reduce that is under test.
class ReduceAndBroadcast : public c10d::Backend {
 public:
  explicit ReduceAndBroadcast(comm::World& world) : Backend(world.rank(), world.size()), world_(world) {}
  const std::string getBackendName() const override { return "reduce_and_broadcast"; }

  c10::intrusive_ptr<c10d::Work> allreduce(std::vector<at::Tensor>& tensors, const c10d::AllreduceOptions&) override {
    for (const at::Tensor& tensor : tensors) {
      const at::Tensor sum = at::zeros_like(tensor);
      const int count = static_cast<int>(tensor.numel());
      const MPI_Datatype type = mpi_type(tensor.scalar_type());
      world_.run([&] {
        MPI_Reduce(tensor.data_ptr(), sum.data_ptr(), count, type, MPI_SUM, 0, MPI_COMM_WORLD);
        MPI_Bcast(sum.data_ptr(), count, type, 0, MPI_COMM_WORLD);
      });
      tensor.copy_(sum);
    }
    return c10::make_intrusive<Done>(tensors);
  }

 private:
  comm::World& world_;
};

c10::intrusive_ptr<c10d::ProcessGroup> process_group(comm::World& world) {
  auto group = c10::make_intrusive<c10d::ProcessGroup>(world.rank(), world.size());
  group->setBackend(at::kCPU, c10d::ProcessGroup::BackendType::CUSTOM, c10::make_intrusive<ReduceAndBroadcast>(world));
  group->setDefaultBackend(c10d::ProcessGroup::BackendType::CUSTOM);
  return group;
}

/// Two buckets, in the order in which gradients come.
std::vector<std::vector<std::size_t>> halves(std::size_t count) {
  std::vector<std::vector<std::size_t>> buckets(2);
  for (std::size_t i = count; i-- > 0;) buckets[i < count / 2 ? 1 : 0].push_back(i);
  return buckets;
}

constexpr std::int64_t kBucketBytes = std::int64_t{1} << 20;

}  // namespace

struct ReducerOracle::Impl {
  Impl(std::vector<at::Tensor> all, comm::World& world)
      : parameters(std::move(all)),
        ranks(world.size()),
        reducer(std::make_unique<c10d::Reducer>(
            parameters, halves(parameters.size()), process_group(world), std::vector<bool>(parameters.size(), false),
            kBucketBytes, /*find_unused_parameters=*/true, /*gradient_as_bucket_view=*/false,
            std::unordered_map<std::size_t, std::string>(), kBucketBytes, /*skip_all_reduce_unused_params=*/false,
            /*use_python_reducer=*/false, std::vector<std::int64_t>())) {}

  std::vector<at::Tensor> parameters;
  int ranks;
  std::unique_ptr<c10d::Reducer> reducer;
};

ReducerOracle::ReducerOracle(std::vector<at::Tensor> parameters, comm::World& world)
    : impl_(std::make_unique<Impl>(std::move(parameters), world)) {}

ReducerOracle::~ReducerOracle() = default;

void ReducerOracle::backward(const at::Tensor& loss) {
  for (at::Tensor& parameter : impl_->parameters) parameter.mutable_grad() = at::Tensor();
  impl_->reducer->prepare_for_forward();
  impl_->reducer->prepare_for_backward({loss});
  loss.backward();
  for (at::Tensor& parameter : impl_->parameters) {  // the reducer averages
    if (parameter.grad().defined()) parameter.mutable_grad().mul_(impl_->ranks);
  }
}

}  // namespace penumbra::testing
