#include "trainer/nets/resnet.h"

#include <cmath>
#include <stdexcept>
#include <utility>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "trainer/nets/autocast.h"

namespace penumbra::trainer {
namespace {

constexpr int kPoolKernel = 3, kPoolStride = 2, kPoolPadding = 1;

std::array<int, 4> blocks_per_stage(int depth) {
  switch (depth) {
    case 10:
      return {1, 1, 1, 1};
    case 18:
      return {2, 2, 2, 2};
    case 34:
    case 50:
      return {3, 4, 6, 3};
    default:
      throw std::invalid_argument("ResNet depth " + std::to_string(depth) + " is not known: use 10, 18, 34 or 50");
  }
}

void check(const ResNetOptions& o) {
  const auto require = [](bool ok, const std::string& what) {
    if (!ok) throw std::invalid_argument("ResNet " + what);
  };
  require(o.width >= 1, "width " + std::to_string(o.width) + " must be at least 1");
  require(o.stem == "small" || o.stem == "imagenet",
          "stem \"" + o.stem + "\" is not known: use \"small\" or \"imagenet\"");
  require(o.stem == "imagenet" || (o.stem_stride >= 1 && o.stem_stride <= 3),
          "stem_stride " + std::to_string(o.stem_stride) + " must be 1, 2 or 3");
  require(o.last_stride == 1 || o.last_stride == 2, "last_stride " + std::to_string(o.last_stride) + " must be 1 or 2");
  require(o.channels >= 1, "channels " + std::to_string(o.channels) + " must be at least 1");
  require(o.classes >= 2, "classes " + std::to_string(o.classes) + " must be at least 2");
}

/// Creates tensors under torchvision's names, in order of execution, with reproducible values.
class Initializer {
 public:
  Initializer(std::uint64_t seed, std::vector<NamedTensor>& parameters, std::vector<NamedTensor>& buffers)
      : generator_(at::detail::createCPUGenerator(seed)), parameters_(parameters), buffers_(buffers) {}

  at::Tensor convolution(const std::string& name, int out, int in, int kernel) {
    const double deviation = std::sqrt(2.0 / (static_cast<double>(out) * kernel * kernel));
    // Drawn in logical order before the layout changes, so that the values do not depend on the memory format.
    auto weight = at::empty({out, in, kernel, kernel}).normal_(0, deviation, generator_);
    return parameter(name + ".weight", weight.contiguous(at::MemoryFormat::ChannelsLast));
  }

  BatchNorm norm(const std::string& name, int channels) {
    return {parameter(name + ".weight", at::ones({channels})), parameter(name + ".bias", at::zeros({channels})),
            buffer(name + ".running_mean", at::zeros({channels})), buffer(name + ".running_var", at::ones({channels}))};
  }

  /// Uniform in +-1/sqrt(fan in), as torch.nn.Linear.
  at::Tensor linear(const std::string& name, at::IntArrayRef shape, int fan_in) {
    const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
    return parameter(name, at::empty(shape).uniform_(-bound, bound, generator_));
  }

 private:
  at::Tensor parameter(const std::string& name, at::Tensor value) {
    value.set_requires_grad(true);
    parameters_.push_back({name, value});
    return value;
  }
  at::Tensor buffer(const std::string& name, at::Tensor value) {
    buffers_.push_back({name, value});
    return value;
  }

  at::Generator generator_;
  std::vector<NamedTensor>& parameters_;
  std::vector<NamedTensor>& buffers_;
};

// oneDNN's weight gradient of a strided 1x1 convolution writes past its workspace when the channels do not fill a SIMD
// block (8 or 16, channels-last; oneDNN issue 6035): wrong gradients and a corrupt heap.
constexpr std::int64_t kSimdBlock = 16;

/// The geometry of one more layer on top: output cell k looks at input cells stride * k - padding ... + kernel - 1.
void add_layer(ReceptiveField& field, std::int64_t kernel, int stride, int padding) {
  field.offset += field.stride * (0.5 * static_cast<double>(kernel - 1) - padding);
  field.stride *= stride;
}

}  // namespace

ResNet::ResNet(const ResNetOptions& options, std::uint64_t seed) : options_(options) {
  const auto stages = blocks_per_stage(options.depth);
  check(options);
  Initializer init(seed, parameters_, buffers_);
  const bool bottleneck = options.depth >= 50;
  const int expansion = bottleneck ? 4 : 1;

  if (options.stem == "imagenet") {
    stem_ = {init.convolution("conv1", options.width, options.channels, 7), 2, 3};
  } else {
    // Stride 3 takes padding 1, not 2: the windows are then centred on 1, 4, 7, ... and lie symmetrically in the image.
    const int kernel = options.stem_stride == 3 ? 5 : 3;
    stem_ = {init.convolution("conv1", options.width, options.channels, kernel), options.stem_stride, 1};
  }
  stem_norm_ = init.norm("bn1", options.width);

  int in = options.width;
  for (int stage = 0; stage < 4; ++stage) {
    const int inner = options.width << stage;
    const int out = inner * expansion;
    for (int index = 0; index < stages[static_cast<std::size_t>(stage)]; ++index) {
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(index);
      const int stride = index > 0 || stage == 0 ? 1 : (stage == 3 ? options.last_stride : 2);
      Block block;
      const auto add = [&](int from, int to, int kernel, int step) {
        const std::string number = std::to_string(block.convolutions.size() + 1);
        block.convolutions.push_back({init.convolution(name + ".conv" + number, to, from, kernel), step, kernel / 2});
        block.norms.push_back(init.norm(name + ".bn" + number, to));
      };
      if (bottleneck) {
        add(in, inner, 1, 1);
        add(inner, inner, 3, stride);
        add(inner, out, 1, 1);
      } else {
        add(in, inner, 3, stride);
        add(inner, inner, 3, 1);
      }
      block.has_downsample = stride != 1 || in != out;
      if (block.has_downsample) {
        block.downsample = {init.convolution(name + ".downsample.0", out, in, 1), stride, 0};
        block.downsample_norm = init.norm(name + ".downsample.1", out);
      }
      blocks_.push_back(std::move(block));
      in = out;
    }
  }
  fc_weight_ = init.linear("fc.weight", {options.classes, in}, in);
  fc_bias_ = init.linear("fc.bias", {options.classes}, in);
}

void ResNet::share_convolutions(const ResNet& owner) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].tensor.dim() == 4) parameters_[i].tensor = owner.parameters_[i].tensor;
  }
  stem_.weight = owner.stem_.weight;
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    Block& block = blocks_[b];
    const Block& shared = owner.blocks_[b];
    for (std::size_t i = 0; i < block.convolutions.size(); ++i) {
      block.convolutions[i].weight = shared.convolutions[i].weight;
    }
    block.downsample.weight = shared.downsample.weight;
  }
}

void ResNet::use(const at::Tensor& parameter, bool training) const {
  if (training && before_use_) before_use_(parameter);
}

at::Tensor ResNet::convolve(const at::Tensor& x, const Convolution& c, bool training) const {
  use(c.weight, training);
  if (c.weight.size(2) == 1 && c.stride > 1 && c.weight.size(1) < kSimdBlock) {
    // The same sums without a strided kernel: a 1x1 window only ever sees every stride-th pixel.
    const auto seen = x.slice(2, std::nullopt, std::nullopt, c.stride).slice(3, std::nullopt, std::nullopt, c.stride);
    return at::conv2d(seen, c.weight);
  }
  return at::conv2d(x, c.weight, {}, c.stride, c.padding);
}

at::Tensor ResNet::normalise(const at::Tensor& x, const BatchNorm& n, bool training) const {
  use(n.weight, training);
  use(n.bias, training);
  if (training && collective_ != nullptr && collective_->world_size() > 1) return sync_batch_norm(x, n, *collective_);
  return at::batch_norm(x, n.weight, n.bias, n.running_mean, n.running_var, training, kNormMomentum, kNormEpsilon,
                        /*cudnn_enabled=*/false);
}

NetOutput ResNet::forward(const at::Tensor& input, bool training) {
  // Batch norm's backward needs its input only, so what follows it may work in place.
  at::Tensor x = normalise(convolve(input, stem_, training), stem_norm_, training).relu_();
  if (options_.stem == "imagenet") x = at::max_pool2d(x, kPoolKernel, kPoolStride, kPoolPadding);
  for (const Block& block : blocks_) {
    at::Tensor y = x;
    for (std::size_t i = 0; i < block.convolutions.size(); ++i) {
      if (i > 0) y.relu_();
      y = normalise(convolve(y, block.convolutions[i], training), block.norms[i], training);
    }
    if (block.has_downsample) x = normalise(convolve(x, block.downsample, training), block.downsample_norm, training);
    x = y.add_(x).relu_();
  }
  // The head costs nothing and its 8 bits would show in every loss: no autocast.
  const Autocast off(x.device(), false);
  use(fc_weight_, training);
  use(fc_bias_, training);
  return {x, at::linear(full_precision(x).mean({2, 3}), fc_weight_, fc_bias_)};
}

std::vector<NamedTensor> ResNet::tensors() const {
  std::vector<NamedTensor> all = parameters_;
  all.insert(all.end(), buffers_.begin(), buffers_.end());
  return all;
}

const at::Tensor& ResNet::fc_weight() const { return fc_weight_; }

ReceptiveField ResNet::receptive_field() const {
  ReceptiveField field;
  add_layer(field, stem_.weight.size(2), stem_.stride, stem_.padding);
  if (options_.stem == "imagenet") add_layer(field, kPoolKernel, kPoolStride, kPoolPadding);
  for (const Block& block : blocks_) {
    for (const Convolution& c : block.convolutions) add_layer(field, c.weight.size(2), c.stride, c.padding);
  }
  return field;
}

std::int64_t ResNet::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& p : parameters_) count += p.tensor.numel();
  return count;
}

}  // namespace penumbra::trainer
