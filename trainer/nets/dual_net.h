#pragma once

#include <optional>
#include <vector>

#include "data/loader.h"
#include "trainer/nets/resnet.h"

namespace penumbra::trainer {

/// What the nets say of one batch. `ambiguous` comes from f_a (full) or f_o (mixup_only), and is empty for ce_only.
struct Views {
  NetOutput original;
  std::optional<NetOutput> ambiguous;
};

/// The two sub-nets: same architecture, same initial weights, everything else apart but what `convolutions` says.
class DualNet {
 public:
  /// The initial weights are the same on every device.
  DualNet(const ResNetOptions& options, Method method, std::uint64_t seed,
          Convolutions convolutions = Convolutions::apart, at::Device device = at::kCPU);

  /// Training-mode forward on the nets' device. With `bf16` the convolutions run under autocast; the heads, and so the
  /// logits, are fp32.
  Views forward(const data::Batch& batch, bool bf16);

  /// Batch statistics of both nets over all ranks from now on.
  void synchronise(comm::Collective& collective);
  /// Called with each parameter before a forward pass uses it.
  void before_use(const ResNet::BeforeUse& call);

  ResNet& original() { return original_; }
  ResNet* ambiguous() { return ambiguous_ ? &*ambiguous_ : nullptr; }  ///< null unless method is full
  Method method() const { return method_; }

  /// Copies weights into both nets by torchvision's names, which must be among theirs.
  void begin_with(const std::vector<NamedTensor>& weights);

  /// Both nets' parameters, "original." / "ambiguous." before torchvision's names, in order of execution; what they
  /// share once, as f_o's.
  std::vector<NamedTensor> parameters() const;
  std::vector<NamedTensor> buffers() const;
  std::vector<NamedTensor> tensors() const;  ///< parameters, then buffers
  /// Both nets' running statistics as one, [elements] fp32: buffers() are views of it, in their order.
  const at::Tensor& statistics() const { return statistics_; }

 private:
  Method method_;
  ResNet original_;
  std::optional<ResNet> ambiguous_;
  at::Tensor statistics_;
};

}  // namespace penumbra::trainer
