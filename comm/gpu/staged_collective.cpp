#include "comm/gpu/staged_collective.h"

#include <utility>

namespace penumbra::comm {
namespace {

class Staged : public Work::State {
 public:
  Staged(at::Tensor device, at::Tensor host, Work work)
      : device_(std::move(device)), host_(std::move(host)), work_(std::move(work)) {}
  void wait() override {
    work_.wait();
    if (std::exchange(copied_, true)) return;
    device_.copy_(host_);
  }

 private:
  const at::Tensor device_, host_;
  Work work_;
  bool copied_ = false;
};

Work staged(const at::Tensor& device, const at::Tensor& host, Work work) {
  return Work(std::make_shared<Staged>(device, host, std::move(work)));
}

/// A copy even where `device` lies in host memory itself.
at::Tensor on_host(const at::Tensor& device) {
  return device.to(at::TensorOptions().device(at::kCPU), /*non_blocking=*/false, /*copy=*/true);
}

}  // namespace

Work StagedCollective::all_reduce_sum(const at::Tensor& tensor, Wire wire) {
  const at::Tensor host = on_host(tensor);
  return staged(tensor, host, host_.all_reduce_sum(host, wire));
}

Work StagedCollective::reduce_scatter_sum(const at::Tensor& tensor, Wire wire) {
  const at::Tensor host = on_host(tensor);
  return staged(tensor, host, host_.reduce_scatter_sum(host, wire));
}

Work StagedCollective::all_gather(const at::Tensor& tensor) {
  const at::Tensor host = on_host(tensor);
  return staged(tensor, host, host_.all_gather(host));
}

Work StagedCollective::broadcast(const at::Tensor& tensor, int root) {
  const at::Tensor host = on_host(tensor);
  return staged(tensor, host, host_.broadcast(host, root));
}

}  // namespace penumbra::comm
