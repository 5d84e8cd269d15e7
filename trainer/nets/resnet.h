#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "comm/flat_parameters.h"
#include "trainer/nets/net_options.h"
#include "trainer/nets/sync_batch_norm.h"

namespace penumbra::trainer {

using comm::NamedTensor;

/// Cell (k_y, k_x) of the feature map has its receptive field's centre at input pixel offset + stride * k (both axes).
struct ReceptiveField {
  double offset = 0, stride = 1;
};

struct NetOutput {
  at::Tensor features;  ///< [B, K, h, w]
  at::Tensor logits;    ///< [B, C] fp32
};

/// ResNet (He et al., 2016; v1.5 bottlenecks as in torchvision) with torchvision's parameter names and shapes.
/// Parameters are plain tensors that require grad; batch-norm momentum 0.1, eps 1e-5. Convolutions are He-normal (fan
/// out), norms 1/0, fc as torch.nn.Linear; a pure function of the seed. Not thread-safe in training mode (running
/// statistics).
class ResNet {
 public:
  ResNet(const ResNetOptions& options, std::uint64_t seed);

  /// x: [B, channels, S, S] fp32, channels-last for speed. In training mode batch statistics are used and the running
  /// ones move.
  NetOutput forward(const at::Tensor& x, bool training);
  /// From now on batch statistics are those of all ranks' batches; every rank must call forward() alike. `collective`
  /// must outlive this.
  void synchronise(comm::Collective& collective) { collective_ = &collective; }
  /// Called with each parameter before a training-mode forward pass uses it.
  using BeforeUse = std::function<void(const at::Tensor& parameter)>;
  void before_use(BeforeUse call) { before_use_ = std::move(call); }

  /// From now on the convolutions are `owner`'s, which is of the same options: the same tensors. Norms and head stay.
  void share_convolutions(const ResNet& owner);

  const std::vector<NamedTensor>& parameters() const { return parameters_; }  ///< order of execution; trainable
  const std::vector<NamedTensor>& buffers() const { return buffers_; }        ///< running_mean, running_var (fp32)
  std::vector<NamedTensor> tensors() const;                                   ///< parameters, then buffers
  const at::Tensor& fc_weight() const;                                        ///< [C, K]
  ReceptiveField receptive_field() const;
  std::int64_t parameter_count() const;

 private:
  struct Convolution {
    at::Tensor weight;
    int stride = 1, padding = 0;
  };
  struct Block {
    std::vector<Convolution> convolutions;
    std::vector<BatchNorm> norms;
    bool has_downsample = false;
    Convolution downsample;
    BatchNorm downsample_norm;
  };
  at::Tensor convolve(const at::Tensor& x, const Convolution& convolution, bool training) const;
  at::Tensor normalise(const at::Tensor& x, const BatchNorm& norm, bool training) const;
  void use(const at::Tensor& parameter, bool training) const;

  // The layers alias the tensors of parameters_ and buffers_.
  ResNetOptions options_;
  comm::Collective* collective_ = nullptr;
  BeforeUse before_use_;
  std::vector<NamedTensor> parameters_, buffers_;
  Convolution stem_;
  BatchNorm stem_norm_;
  std::vector<Block> blocks_;
  at::Tensor fc_weight_, fc_bias_;
};

}  // namespace penumbra::trainer
