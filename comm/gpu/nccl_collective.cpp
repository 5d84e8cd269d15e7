#include "comm/gpu/nccl_collective.h"

#include <stdexcept>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/sum.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/ScopeExit.h>
#include <pthread.h>

#include "comm/error.h"

namespace penumbra::comm {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kProgressPeriod{1}, kErrorPeriod{100};

NcclType nccl_type(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kByte:
      return NcclType::uint8;
    case at::kLong:
      return NcclType::int64;
    case at::kFloat:
      return NcclType::float32;
    case at::kDouble:
      return NcclType::float64;
    case at::kBFloat16:
      return NcclType::bfloat16;
    default:
      throw std::invalid_argument(std::string("NCCL collectives take fp32, fp64, int64 and uint8 tensors, not ") +
                                  c10::toString(tensor.scalar_type()));
  }
}

/// Where element `index` lies.
char* address(const at::Tensor& tensor, std::int64_t index) {
  return static_cast<char*>(tensor.mutable_data_ptr()) + index * tensor.element_size();
}

std::size_t count_of(std::int64_t elements) { return static_cast<std::size_t>(elements); }

c10::Stream current_stream(c10::Device device) { return c10::impl::VirtualGuardImpl(device.type()).getStream(device); }

c10::Stream communication_stream(c10::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device, /*isHighPriority=*/true);
}

}  // namespace

/// Why nothing more will be sent, once that is so. Thread-safe.
class NcclCollective::Fate {
 public:
  /// True the first time.
  bool seal(const std::string& reason) {
    const std::scoped_lock lock(mutex_);
    if (!reason_.empty()) return false;
    reason_ = reason;
    return true;
  }
  bool sealed() const {
    const std::scoped_lock lock(mutex_);
    return !reason_.empty();
  }
  void require_open() const {
    const std::scoped_lock lock(mutex_);
    if (!reason_.empty()) throw CommError(reason_);
  }

 private:
  mutable std::mutex mutex_;
  std::string reason_;
};

/// A collective on the stream. It keeps its tensor until it has ended.
class NcclCollective::Launched : public Work::State {
 public:
  Launched(at::Tensor tensor, std::uint64_t sequence, c10::Device device, std::shared_ptr<const Fate> fate)
      : tensor_(std::move(tensor)),
        sequence_(sequence),
        device_(device),
        fate_(std::move(fate)),
        ready_(device.type()),
        done_(device.type()) {}

  /// What follows on `stream` waits for what the calling thread has asked of the device so far.
  void begin(const c10::Stream& stream) {
    ready_.record(current_stream(device_));
    ready_.block(stream);
  }
  void end(const c10::Stream& stream) { done_.record(stream); }

  void wait() override {
    fate_->require_open();
    done_.block(current_stream(device_));
    fate_->require_open();
  }

  /// Tells the recorder what is new. True once it has ended.
  bool observe(FlightRecorder& recorder) {
    if (!started_ && ready_.query()) {
      recorder.start(sequence_);
      started_ = true;
    }
    if (!done_.query()) return false;
    recorder.end(sequence_);
    return true;
  }

 private:
  const at::Tensor tensor_;
  const std::uint64_t sequence_;
  const c10::Device device_;
  const std::shared_ptr<const Fate> fate_;
  c10::Event ready_, done_;
  bool started_ = false;
};

NcclCollective::NcclCollective(NcclApi nccl, const NcclUniqueId& id, Place place, FlightRecorder& recorder,
                               OnError on_error, milliseconds patience)
    : nccl_(std::move(nccl)),
      place_(place),
      recorder_(recorder),
      on_error_(std::move(on_error)),
      patience_(patience),
      stream_(communication_stream(place.device)),
      fate_(std::make_shared<Fate>()) {
  const c10::StreamGuard guard(stream_);
  NcclConfig config;
  config.blocking = 0;
  try {
    settle(nccl_.comm_init_rank_config(&comm_, place_.world_size, id, place_.rank, &config), "ncclCommInitRankConfig");
  } catch (const CommError&) {
    if (comm_ != nullptr) nccl_.comm_abort(comm_);
    throw;
  }
  observer_ = std::thread([this] { observe(); });
}

NcclCollective::~NcclCollective() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_.empty() || fate_->sealed(); });
    stop_ = true;
  }
  changed_.notify_all();
  observer_.join();
  finish();
}

/// There is nobody left to whom a failure here would matter.
void NcclCollective::finish() {
  const c10::StreamGuard guard(stream_);
  if (!fate_->seal("the communicator is gone")) return abort();
  try {
    settle(nccl_.comm_finalize(comm_), "ncclCommFinalize");
    nccl_.comm_destroy(comm_);
  } catch (const CommError&) {
    abort();
  }
}

void NcclCollective::abort() {
  fate_->seal("rank " + std::to_string(rank()) + ": the communicator was aborted");
  changed_.notify_all();
  std::call_once(aborted_, [this] { nccl_.comm_abort(comm_); });
}

/// A communicator that does not block says "in progress" and takes no other call until that has changed.
void NcclCollective::settle(NcclResult result, const char* call) {
  const Clock::time_point deadline = Clock::now() + patience_;
  while (result == NcclResult::in_progress) {
    fate_->require_open();
    if (Clock::now() > deadline) {
      throw CommError("rank " + std::to_string(rank()) + ": " + call + " has not ended after " +
                      std::to_string(patience_.count()) + " ms: is a rank missing, or a network blocked?");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    accept(nccl_.comm_get_async_error(comm_, &result), "ncclCommGetAsyncError");
  }
  accept(result, call);
}

/// Of a call inside a group, or of one that has settled.
void NcclCollective::accept(NcclResult result, const char* call) const {
  if (result == NcclResult::success || result == NcclResult::in_progress) return;
  throw CommError("rank " + std::to_string(rank()) + ": " + call + ": " + nccl_.get_error_string(result) + " (" +
                  nccl_.get_last_error(comm_) + ")");
}

Work NcclCollective::launch(const char* name, const at::Tensor& tensor, const std::function<void(NcclStream)>& calls) {
  fate_->require_open();
  const std::uint64_t sequence = recording_ ? 0 : recorder_.enqueue(name, static_cast<std::int64_t>(tensor.nbytes()));
  auto launched = std::make_shared<Launched>(tensor, sequence, place_.device, fate_);
  launched->begin(stream_);
  {
    const c10::StreamGuard guard(stream_);
    calls(stream_.native_handle());
  }
  launched->end(stream_);
  if (!recording_) enlist(launched);
  return Work(std::move(launched));
}

void NcclCollective::enlist(std::shared_ptr<Launched> launched) {
  {
    const std::scoped_lock lock(mutex_);
    under_way_.push_back(std::move(launched));
  }
  changed_.notify_all();
}

void NcclCollective::record(const std::function<void()>& work) {
  recording_ = true;
  const auto end = c10::make_scope_exit([this] { recording_ = false; });
  work();
}

void NcclCollective::replay(const std::function<void()>& launch) {
  fate_->require_open();
  const std::uint64_t sequence = recorder_.enqueue("recorded step", 0);
  const auto launched = std::make_shared<Launched>(at::Tensor(), sequence, place_.device, fate_);
  const c10::Stream stream = current_stream(place_.device);
  launched->begin(stream);
  launch();
  launched->end(stream);
  enlist(launched);
}

std::shared_ptr<void> NcclCollective::register_buffer(const at::Tensor& tensor) {
  if (!nccl_.comm_register || !nccl_.comm_deregister) return nullptr;
  void* handle = nullptr;
  settle(nccl_.comm_register(comm_, tensor.mutable_data_ptr(), tensor.nbytes(), &handle), "ncclCommRegister");
  if (handle == nullptr) return nullptr;
  return {handle, [this, tensor](void* registered) {
            if (!fate_->sealed()) nccl_.comm_deregister(comm_, registered);  // failing, it ends with the communicator
          }};
}

void NcclCollective::group(const std::function<void()>& calls) {
  settle(nccl_.group_start(), "ncclGroupStart");
  calls();
  settle(nccl_.group_end(), "ncclGroupEnd");
}

void NcclCollective::group_of_parts(const at::Tensor& tensor,
                                    const std::function<void(int, char*, std::size_t)>& call) {
  group([&] {
    for (int rank = 0; rank < world_size(); ++rank) {
      const Interval part = part_of(tensor.numel(), rank, world_size());
      call(rank, address(tensor, part.offset), count_of(part.size));
    }
  });
}

void NcclCollective::reduce_scatter_exact(const at::Tensor& tensor, NcclStream stream) {
  const NcclType type = nccl_type(tensor);
  const Interval own = part_of(tensor.numel(), rank(), world_size());
  if (tensor.numel() % world_size() == 0) {
    settle(nccl_.reduce_scatter(address(tensor, 0), address(tensor, own.offset), count_of(own.size), type, NcclOp::sum,
                                comm_, stream),
           "ncclReduceScatter");
    return;
  }
  group_of_parts(tensor, [&](int root, char* data, std::size_t count) {
    accept(nccl_.reduce(data, data, count, type, NcclOp::sum, root, comm_, stream), "ncclReduce");
  });
}

void NcclCollective::gather_parts(const at::Tensor& tensor, NcclStream stream) {
  const NcclType type = nccl_type(tensor);
  const Interval own = part_of(tensor.numel(), rank(), world_size());
  if (tensor.numel() % world_size() == 0) {
    settle(nccl_.all_gather(address(tensor, own.offset), address(tensor, 0), count_of(own.size), type, comm_, stream),
           "ncclAllGather");
    return;
  }
  group_of_parts(tensor, [&](int root, char* data, std::size_t count) {
    accept(nccl_.broadcast(data, data, count, type, root, comm_, stream), "ncclBroadcast");
  });
}

/// Every rank's bf16 addends of this rank's part come here and are added in fp32: one rounding an addend, however many
/// ranks there are. NCCL's own bf16 sum would round at every hop.
at::Tensor NcclCollective::reduce_scatter_as_bf16(const at::Tensor& tensor, NcclStream stream) {
  const Interval own = part_of(tensor.numel(), rank(), world_size());
  at::Tensor sent = tensor.to(at::kBFloat16);
  const at::Tensor received = at::empty({world_size(), own.size}, sent.options());
  group_of_parts(sent, [&](int peer, char* data, std::size_t count) {
    accept(nccl_.send(data, count, NcclType::bfloat16, peer, comm_, stream), "ncclSend");
    accept(nccl_.recv(address(received, peer * own.size), count_of(own.size), NcclType::bfloat16, peer, comm_, stream),
           "ncclRecv");
  });
  tensor.narrow(0, own.offset, own.size).copy_(at::sum(received, at::IntArrayRef{0}, false, at::kFloat));
  return sent;
}

void NcclCollective::all_reduce_as_bf16(const at::Tensor& tensor, NcclStream stream) {
  const Interval own = part_of(tensor.numel(), rank(), world_size());
  const at::Tensor sent = reduce_scatter_as_bf16(tensor, stream);
  sent.narrow(0, own.offset, own.size).copy_(tensor.narrow(0, own.offset, own.size));
  gather_parts(sent, stream);
  tensor.copy_(sent);
}

Work NcclCollective::all_reduce_sum(const at::Tensor& tensor, Wire wire) {
  require_sendable(tensor, wire);
  if (wire == Wire::bf16) {
    return launch("all-reduce as bf16", tensor,
                  [&](NcclStream stream) { all_reduce_as_bf16(tensor.view(-1), stream); });
  }
  return launch("all-reduce", tensor, [&](NcclStream stream) {
    settle(nccl_.all_reduce(address(tensor, 0), address(tensor, 0), count_of(tensor.numel()), nccl_type(tensor),
                            NcclOp::sum, comm_, stream),
           "ncclAllReduce");
  });
}

Work NcclCollective::reduce_scatter_sum(const at::Tensor& tensor, Wire wire) {
  require_sendable(tensor, wire);
  if (wire == Wire::bf16) {
    return launch("reduce-scatter as bf16", tensor,
                  [&](NcclStream stream) { reduce_scatter_as_bf16(tensor.view(-1), stream); });
  }
  return launch("reduce-scatter", tensor, [&](NcclStream stream) { reduce_scatter_exact(tensor, stream); });
}

Work NcclCollective::all_gather(const at::Tensor& tensor) {
  require_sendable(tensor, Wire::exact);
  return launch("all-gather", tensor, [&](NcclStream stream) { gather_parts(tensor, stream); });
}

Work NcclCollective::broadcast(const at::Tensor& tensor, int root) {
  require_sendable(tensor, Wire::exact);
  require_root(root, world_size());
  return launch("broadcast", tensor, [&](NcclStream stream) {
    settle(nccl_.broadcast(address(tensor, 0), address(tensor, 0), count_of(tensor.numel()), nccl_type(tensor), root,
                           comm_, stream),
           "ncclBroadcast");
  });
}

void NcclCollective::observe() {
  pthread_setname_np(pthread_self(), "penumbra-nccl");
  Clock::time_point next_error_check = Clock::now();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    changed_.wait_for(lock, under_way_.empty() ? kErrorPeriod : kProgressPeriod);
    look_at_progress();
    if (Clock::now() < next_error_check) continue;
    next_error_check = Clock::now() + kErrorPeriod;
    lock.unlock();
    look_for_error();
    lock.lock();
  }
}

void NcclCollective::look_at_progress() {
  while (!under_way_.empty() && under_way_.front()->observe(recorder_)) under_way_.pop_front();
  if (under_way_.empty()) changed_.notify_all();
}

void NcclCollective::look_for_error() {
  if (fate_->sealed()) return;
  NcclResult state = NcclResult::success;
  try {
    accept(nccl_.comm_get_async_error(comm_, &state), "ncclCommGetAsyncError");
    accept(state, "a collective");
  } catch (const CommError& error) {
    if (fate_->seal(error.what())) on_error_(error.what());
  }
}

}  // namespace penumbra::comm
