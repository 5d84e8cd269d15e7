#include "tests/comm/fake_nccl.h"

#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <mpi.h>

#include "tests/comm/fake_device.h"
#include "tests/comm/test_world.h"

namespace penumbra::testing {
namespace {

using comm::NcclComm;
using comm::NcclOp;
using comm::NcclResult;
using comm::NcclStream;
using comm::NcclType;

MPI_Datatype mpi_type(NcclType type) {
  switch (type) {
    case NcclType::uint8:
      return MPI_UINT8_T;
    case NcclType::int64:
      return MPI_INT64_T;
    case NcclType::float32:
      return MPI_FLOAT;
    case NcclType::float64:
      return MPI_DOUBLE;
    case NcclType::bfloat16:
      return MPI_UINT16_T;  // moved, never added
  }
  return MPI_DATATYPE_NULL;
}

std::size_t byte_size(NcclType type) {
  int bytes = 0;
  MPI_Type_size(mpi_type(type), &bytes);
  return static_cast<std::size_t>(bytes);
}

int rank_in(MPI_Comm comm) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  return rank;
}

}  // namespace

FakeNccl::FakeNccl(FakeNcclBehaviour behaviour) {
  state_->behaviour = behaviour;
  test_world().run(
      [this] { state_->communicator = std::make_unique<comm::Communicator>(comm::Communicator::duplicate_world()); });
}

FakeNccl::~FakeNccl() {
  test_world().run([this] { state_->communicator.reset(); });
}

/// In the stream's order, unless the communicator is gone.
void FakeNccl::perform(State& state, int index, const std::vector<Call>& calls) {
  std::this_thread::sleep_for(std::chrono::milliseconds(state.behaviour.delay_milliseconds));
  if (index == state.behaviour.hanging_collective) {
    std::unique_lock lock(state.mutex);
    state.changed.wait(lock, [&] { return state.aborted.load(); });
  }
  if (index == state.behaviour.failing_collective) state.failed = true;
  if (state.aborted || state.failed) return;
  test_world().run([&] {
    for (const Call& call : calls) call(state.communicator->handle());
    MPI_Waitall(static_cast<int>(state.sends.size()), state.sends.data(), MPI_STATUSES_IGNORE);
    state.sends.clear();
  });
}

NcclResult FakeNccl::submit(const std::vector<Call>& calls) {
  const auto job = [state = state_, index = collectives_++, calls] { perform(*state, index, calls); };
  if (state_->behaviour.in_caller) {
    job();
  } else {
    enqueue_on_fake_stream(job);
  }
  return accepted();
}

NcclResult FakeNccl::post(Call call) {
  if (!grouped_) return submit({std::move(call)});
  group_.push_back(std::move(call));
  return NcclResult::success;
}

NcclResult FakeNccl::accepted() {
  polls_left_ = state_->behaviour.polls_in_progress;
  return polls_left_ == 0 ? NcclResult::success : NcclResult::in_progress;
}

NcclResult FakeNccl::state_of(NcclResult* result) {
  if (polls_left_ > 0) --polls_left_;
  *result = polls_left_ == 0 ? NcclResult::success : NcclResult::in_progress;
  if (state_->failed) *result = NcclResult::remote_error;
  return NcclResult::success;
}

comm::NcclApi FakeNccl::api() {
  comm::NcclApi nccl;
  nccl.get_version = [](int* version) { return *version = 22809, NcclResult::success; };
  nccl.get_unique_id = [](comm::NcclUniqueId*) { return NcclResult::success; };
  nccl.comm_init_rank_config = [this](NcclComm* comm, int, comm::NcclUniqueId, int, comm::NcclConfig*) {
    *comm = reinterpret_cast<NcclComm>(this);
    return accepted();
  };
  nccl.comm_finalize = [this](NcclComm) { return accepted(); };
  nccl.comm_destroy = [](NcclComm) { return NcclResult::success; };
  nccl.comm_abort = [this](NcclComm) {
    const std::scoped_lock lock(state_->mutex);
    state_->aborted = true;
    state_->changed.notify_all();
    return NcclResult::success;
  };
  nccl.comm_get_async_error = [this](NcclComm, NcclResult* result) { return state_of(result); };
  nccl.get_last_error = [](NcclComm) { return "the fake's last words"; };
  nccl.get_error_string = [](NcclResult) { return "remote process exited or there was a network error"; };
  nccl.comm_register = [this](NcclComm, void* data, std::size_t, void** handle) {
    ++registered_;
    *handle = data;
    return accepted();
  };
  nccl.comm_deregister = [this](NcclComm, void*) {
    --registered_;
    return accepted();
  };
  nccl.group_start = [this] {
    grouped_ = true;
    return NcclResult::success;
  };
  nccl.group_end = [this] {
    grouped_ = false;
    return submit(std::exchange(group_, {}));
  };
  nccl.all_reduce = [this](const void*, void* data, std::size_t count, NcclType type, NcclOp, NcclComm, NcclStream) {
    return post([=](MPI_Comm comm) {
      MPI_Allreduce(MPI_IN_PLACE, data, static_cast<int>(count), mpi_type(type), MPI_SUM, comm);
    });
  };
  nccl.reduce_scatter = [this](const void* from, void* to, std::size_t count, NcclType type, NcclOp, NcclComm,
                               NcclStream) {
    return post([=](MPI_Comm comm) {
      std::vector<char> sum(count * byte_size(type));
      MPI_Reduce_scatter_block(from, sum.data(), static_cast<int>(count), mpi_type(type), MPI_SUM, comm);
      if (!sum.empty()) std::memcpy(to, sum.data(), sum.size());
    });
  };
  nccl.reduce = [this](const void*, void* data, std::size_t count, NcclType type, NcclOp, int root, NcclComm,
                       NcclStream) {
    return post([=](MPI_Comm comm) {
      const void* from = rank_in(comm) == root ? MPI_IN_PLACE : data;
      MPI_Reduce(from, data, static_cast<int>(count), mpi_type(type), MPI_SUM, root, comm);
    });
  };
  nccl.all_gather = [this](const void*, void* data, std::size_t count, NcclType type, NcclComm, NcclStream) {
    return post([=](MPI_Comm comm) {
      MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, static_cast<int>(count), mpi_type(type), comm);
    });
  };
  nccl.broadcast = [this](const void*, void* data, std::size_t count, NcclType type, int root, NcclComm, NcclStream) {
    return post([=](MPI_Comm comm) { MPI_Bcast(data, static_cast<int>(count), mpi_type(type), root, comm); });
  };
  nccl.send = [this](const void* data, std::size_t count, NcclType type, int peer, NcclComm, NcclStream) {
    return post([=, state = state_.get()](MPI_Comm comm) {
      MPI_Isend(data, static_cast<int>(count), mpi_type(type), peer, 0, comm, &state->sends.emplace_back());
    });
  };
  nccl.recv = [this](void* data, std::size_t count, NcclType type, int peer, NcclComm, NcclStream) {
    return post([=](MPI_Comm comm) {
      MPI_Recv(data, static_cast<int>(count), mpi_type(type), peer, 0, comm, MPI_STATUS_IGNORE);
    });
  };
  return nccl;
}

}  // namespace penumbra::testing
