#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

namespace penumbra::comm {

/// A collective under way. Copyable; waiting twice is allowed. Destroying it does not wait.
class Work {
 public:
  struct State {
    virtual ~State() = default;
    virtual void wait() = 0;  ///< blocks until done; rethrows the collective's CommError
  };
  explicit Work(std::shared_ptr<State> state) : state_(std::move(state)) {}
  void wait() { state_->wait(); }

 private:
  std::shared_ptr<State> state_;
};

/// Collectives over all ranks on contiguous tensors, in place, asynchronous, in the order of the calls - which must be
/// the same on every rank. Calls from one thread at a time. Supported: fp32, fp64, int64, uint8; size 0 is allowed.
class Collective {
 public:
  virtual ~Collective() = default;
  virtual int rank() const = 0;
  virtual int world_size() const = 0;
  virtual Work all_reduce_sum(const at::Tensor& tensor) = 0;
  virtual Work broadcast(const at::Tensor& tensor, int root) = 0;
};

}  // namespace penumbra::comm
