#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <ATen/core/Tensor.h>

#include "comm/wire.h"

namespace penumbra::comm {

/// A collective under way. Copyable; waiting twice is allowed. Destroying it does not wait.
class Work {
 public:
  struct State {
    virtual ~State() = default;
    /// Blocks until done; on a device, makes the current stream wait instead. Rethrows the collective's CommError.
    virtual void wait() = 0;
  };
  explicit Work(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static Work done();  ///< that has nothing to wait for
  void wait() { state_->wait(); }

 private:
  std::shared_ptr<State> state_;
};

/// How tensors in host memory travel.
enum class Path {
  library,   ///< MPI's own collectives: the communication thread spins, best in shared memory or with a core to spare
  pairwise,  ///< PairwiseExchange for sums and gathers above some KiB: it sleeps, best where computing needs the core
};

/// A run of elements.
struct Interval {
  std::int64_t offset = 0, size = 0;
};

/// The part of `size` elements that belongs to a rank: parts follow one another and differ by at most one element.
Interval part_of(std::int64_t size, int rank, int world_size);

/// Throw std::invalid_argument for what no collective takes.
void require_sendable(const at::Tensor& tensor, Wire wire);
void require_root(int root, int world_size);

/// Collectives over all ranks on contiguous tensors, in place, asynchronous, in the order of the calls - which must be
/// the same on every rank. Calls from one thread at a time. Supported: fp32, fp64, int64, uint8; size 0 is allowed.
/// Every rank ends with the same bits.
class Collective {
 public:
  virtual ~Collective() = default;
  virtual int rank() const = 0;
  virtual int world_size() const = 0;
  virtual Work all_reduce_sum(const at::Tensor& tensor, Wire wire) = 0;
  /// Afterwards this rank's part_of() holds the sum; what the other parts hold is unspecified.
  virtual Work reduce_scatter_sum(const at::Tensor& tensor, Wire wire) = 0;
  /// Every rank's part_of() becomes everybody's.
  virtual Work all_gather(const at::Tensor& tensor) = 0;
  virtual Work broadcast(const at::Tensor& tensor, int root) = 0;
  /// Ends what is under way and cannot end by itself, where the library can do that; it may hang in trying. What is
  /// waited for from now on fails. Any thread.
  virtual void abort() {}

  /// Whether calls can become part of a recorded step (comm/gpu/device_graph.h): nothing of them happens on the host.
  virtual bool can_be_recorded() const { return false; }
  /// What `work` calls is recorded, and not under way by that; rethrows what it throws. All ranks call, or none. What
  /// it was recorded into must be gone before this is.
  virtual void record(const std::function<void()>& work) { work(); }
  /// `launch` hands a recorded step over to the current stream. All ranks call. Throws CommError once aborted.
  virtual void replay(const std::function<void()>& launch) { launch(); }
  /// `tensor` travels often, whole or in parts: its memory is prepared for the network, where that helps, as long as
  /// the result lives, which must be gone before this is; null where it does not help. Throws CommError.
  virtual std::shared_ptr<void> register_buffer(const at::Tensor& /*tensor*/) { return nullptr; }

  Work all_reduce_sum(const at::Tensor& tensor) { return all_reduce_sum(tensor, Wire::exact); }
};

}  // namespace penumbra::comm
