#pragma once

#include "comm/collective.h"

namespace penumbra::comm {

/// Collective for tensors of a device over one for tensors in host memory, through copies. Blocks the host in each call
/// until the device has come as far, and in Work::wait(); meant for ranks that share a GPU, which NCCL refuses.
class StagedCollective : public Collective {
 public:
  /// `host` must outlive this.
  explicit StagedCollective(Collective& host) : host_(host) {}

  using Collective::all_reduce_sum;
  int rank() const override { return host_.rank(); }
  int world_size() const override { return host_.world_size(); }
  Work all_reduce_sum(const at::Tensor& tensor, Wire wire) override;
  Work reduce_scatter_sum(const at::Tensor& tensor, Wire wire) override;
  Work all_gather(const at::Tensor& tensor) override;
  Work broadcast(const at::Tensor& tensor, int root) override;

 private:
  Collective& host_;
};

}  // namespace penumbra::comm
