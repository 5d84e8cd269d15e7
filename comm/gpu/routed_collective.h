#pragma once

#include "comm/collective.h"

namespace penumbra::comm {

/// Tensors in host memory go one way, those of a device another. The two ways do not wait for each other.
class RoutedCollective : public Collective {
 public:
  /// Both must outlive this.
  RoutedCollective(Collective& host, Collective& device) : host_(host), device_(device) {}

  using Collective::all_reduce_sum;
  int rank() const override { return host_.rank(); }
  int world_size() const override { return host_.world_size(); }
  Work all_reduce_sum(const at::Tensor& tensor, Wire wire) override { return way(tensor).all_reduce_sum(tensor, wire); }
  Work reduce_scatter_sum(const at::Tensor& tensor, Wire wire) override {
    return way(tensor).reduce_scatter_sum(tensor, wire);
  }
  Work all_gather(const at::Tensor& tensor) override { return way(tensor).all_gather(tensor); }
  Work broadcast(const at::Tensor& tensor, int root) override { return way(tensor).broadcast(tensor, root); }
  bool can_be_recorded() const override { return device_.can_be_recorded(); }
  void record(const std::function<void()>& work) override { device_.record(work); }
  void replay(const std::function<void()>& launch) override { device_.replay(launch); }
  std::shared_ptr<void> register_buffer(const at::Tensor& tensor) override {
    return way(tensor).register_buffer(tensor);
  }

 private:
  Collective& way(const at::Tensor& tensor) { return tensor.device().is_cpu() ? host_ : device_; }

  Collective& host_;
  Collective& device_;
};

}  // namespace penumbra::comm
