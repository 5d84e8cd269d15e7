#include "trainer/nets/resnet.h"

#include <map>

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "tests/trainer/tensor_testing.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::gradient_error;
using penumbra::testing::largest_difference;
using penumbra::testing::normal;
using penumbra::testing::uniform;
using penumbra::testing::values;

ResNetOptions options(int depth, int width, std::string stem, int stem_stride, int last_stride, int channels = 1) {
  return {depth, width, std::move(stem), stem_stride, last_stride, channels, 5};
}

/// fp64 all over, with norms away from their trivial initial state.
ResNet double_net(const ResNetOptions& o) {
  ResNet net(o, 7);
  std::uint64_t seed = 100;
  for (const auto& named : net.parameters()) {
    auto tensor = named.tensor;
    const bool norm = tensor.dim() == 1 && named.name != "fc.bias";
    tensor.set_data(norm ? uniform(tensor.sizes(), ++seed, -0.5, 1.5) : tensor.detach().to(at::kDouble));
  }
  for (const auto& named : net.buffers()) {
    auto tensor = named.tensor;
    tensor.set_data(uniform(tensor.sizes(), ++seed, 0.5, 1.5));
  }
  return net;
}

// --- An independent ResNet: nested loops over vectors, which knows the net by torchvision's names only. ---

struct Maps {
  std::int64_t batch, channels, height, width;
  std::vector<double> value;
  double& at(std::int64_t b, std::int64_t c, std::int64_t y, std::int64_t x) {
    return value[static_cast<std::size_t>(((b * channels + c) * height + y) * width + x)];
  }
};

Maps zeros(std::int64_t b, std::int64_t c, std::int64_t h, std::int64_t w) {
  return {b, c, h, w, std::vector<double>(static_cast<std::size_t>(b * c * h * w))};
}

struct Reference {
  std::map<std::string, at::Tensor> weights;
  std::map<std::string, std::vector<double>> running;  // moved by training, as the net's should be
  bool training;

  Reference(const ResNet& net, bool train) : training(train) {
    for (const auto& p : net.parameters()) weights[p.name] = p.tensor.detach().clone();
    for (const auto& b : net.buffers()) running[b.name] = values(b.tensor);
  }

  Maps convolution(Maps x, const std::string& name, int stride, int padding) {
    const auto shape = weights.at(name + ".weight").sizes().vec();
    const auto weight = values(weights.at(name + ".weight"));
    const auto kernel = shape[2];
    auto y = zeros(x.batch, shape[0], (x.height + 2 * padding - kernel) / stride + 1,
                   (x.width + 2 * padding - kernel) / stride + 1);
    for (std::int64_t b = 0; b < y.batch; ++b)
      for (std::int64_t out = 0; out < y.channels; ++out)
        for (std::int64_t i = 0; i < y.height; ++i)
          for (std::int64_t j = 0; j < y.width; ++j)
            for (std::int64_t in = 0; in < x.channels; ++in)
              for (std::int64_t u = 0; u < kernel; ++u)
                for (std::int64_t v = 0; v < kernel; ++v) {
                  const auto row = i * stride + u - padding, column = j * stride + v - padding;
                  if (row < 0 || row >= x.height || column < 0 || column >= x.width) continue;
                  const auto w = weight[static_cast<std::size_t>(((out * x.channels + in) * kernel + u) * kernel + v)];
                  y.at(b, out, i, j) += w * x.at(b, in, row, column);
                }
    return y;
  }

  Maps norm(Maps x, const std::string& name) {
    const auto scale = values(weights.at(name + ".weight")), shift = values(weights.at(name + ".bias"));
    const auto count = static_cast<double>(x.batch * x.height * x.width);
    for (std::int64_t c = 0; c < x.channels; ++c) {
      const auto k = static_cast<std::size_t>(c);
      const auto each = [&](auto&& f) {
        for (std::int64_t b = 0; b < x.batch; ++b)
          for (std::int64_t i = 0; i < x.height; ++i)
            for (std::int64_t j = 0; j < x.width; ++j) f(x.at(b, c, i, j));
      };
      auto& running_mean = running.at(name + ".running_mean")[k];
      auto& running_var = running.at(name + ".running_var")[k];
      double mean = running_mean, variance = running_var;
      if (training) {
        mean = variance = 0;
        each([&](double& v) { mean += v / count; });
        each([&](double& v) { variance += (v - mean) * (v - mean) / count; });
        running_mean = 0.9 * running_mean + 0.1 * mean;
        running_var = 0.9 * running_var + 0.1 * variance * count / (count - 1);
      }
      each([&](double& v) { v = (v - mean) / std::sqrt(variance + 1e-5) * scale[k] + shift[k]; });
    }
    return x;
  }

  static Maps relu(Maps x) {
    for (auto& v : x.value) v = std::max(v, 0.0);
    return x;
  }

  static Maps pool(Maps x) {  // 3x3, stride 2, padding 1
    auto y = zeros(x.batch, x.channels, (x.height - 1) / 2 + 1, (x.width - 1) / 2 + 1);
    for (std::int64_t b = 0; b < y.batch; ++b)
      for (std::int64_t c = 0; c < y.channels; ++c)
        for (std::int64_t i = 0; i < y.height; ++i)
          for (std::int64_t j = 0; j < y.width; ++j) {
            double most = -1e300;
            for (auto row = std::max<std::int64_t>(0, 2 * i - 1); row <= std::min(x.height - 1, 2 * i + 1); ++row)
              for (auto column = std::max<std::int64_t>(0, 2 * j - 1); column <= std::min(x.width - 1, 2 * j + 1);
                   ++column)
                most = std::max(most, x.at(b, c, row, column));
            y.at(b, c, i, j) = most;
          }
    return y;
  }

  Maps block(const Maps& x, const std::string& name, int stride) {
    Maps y = x;
    if (weights.contains(name + ".conv3.weight")) {
      y = relu(norm(convolution(y, name + ".conv1", 1, 0), name + ".bn1"));
      y = relu(norm(convolution(y, name + ".conv2", stride, 1), name + ".bn2"));
      y = norm(convolution(y, name + ".conv3", 1, 0), name + ".bn3");
    } else {
      y = relu(norm(convolution(y, name + ".conv1", stride, 1), name + ".bn1"));
      y = norm(convolution(y, name + ".conv2", 1, 1), name + ".bn2");
    }
    Maps shortcut = x;
    if (weights.contains(name + ".downsample.0.weight")) {
      shortcut = norm(convolution(x, name + ".downsample.0", stride, 0), name + ".downsample.1");
    }
    for (std::size_t i = 0; i < y.value.size(); ++i) y.value[i] += shortcut.value[i];
    return relu(y);
  }

  std::vector<double> forward(const at::Tensor& input, const ResNetOptions& o) {
    const auto s = input.sizes();
    Maps x{s[0], s[1], s[2], s[3], values(input)};
    const bool imagenet = o.stem == "imagenet";
    x = relu(norm(convolution(x, "conv1", imagenet ? 2 : o.stem_stride, imagenet ? 3 : 1), "bn1"));
    if (imagenet) x = pool(x);
    for (int stage = 1; stage <= 4; ++stage) {
      for (int i = 0;; ++i) {
        const auto name = "layer" + std::to_string(stage) + "." + std::to_string(i);
        if (!weights.contains(name + ".conv1.weight")) break;
        x = block(x, name, i > 0 || stage == 1 ? 1 : (stage == 4 ? o.last_stride : 2));
      }
    }
    const auto weight = values(weights.at("fc.weight")), bias = values(weights.at("fc.bias"));
    std::vector<double> logits;
    for (std::int64_t b = 0; b < x.batch; ++b)
      for (std::size_t c = 0; c < bias.size(); ++c) {
        double z = bias[c];
        for (std::int64_t k = 0; k < x.channels; ++k)
          for (std::int64_t i = 0; i < x.height * x.width; ++i)
            z += weight[c * static_cast<std::size_t>(x.channels) + static_cast<std::size_t>(k)] * x.at(b, k, 0, i) /
                 static_cast<double>(x.height * x.width);
        logits.push_back(z);
      }
    return logits;
  }
};

struct Shape {
  ResNetOptions net;
  int side;
};

class ForwardEqualsNestedLoops : public ::testing::TestWithParam<Shape> {
 protected:
  void compare(bool training) {
    const auto& [o, side] = GetParam();
    auto net = double_net(o);
    Reference reference(net, training);
    const auto x = normal({3, o.channels, side, side}, 3);
    const auto before = net.buffers().front().tensor.clone();
    const auto logits = values(net.forward(x.contiguous(at::MemoryFormat::ChannelsLast), training).logits);
    const auto expected = reference.forward(x, o);
    ASSERT_EQ(logits.size(), expected.size());
    for (std::size_t i = 0; i < logits.size(); ++i)
      EXPECT_NEAR(logits[i], expected[i], 1e-9 * (1 + std::abs(expected[i])));
    for (const auto& buffer : net.buffers()) {
      const auto moved = values(buffer.tensor);
      for (std::size_t i = 0; i < moved.size(); ++i)
        ASSERT_NEAR(moved[i], reference.running[buffer.name][i], 1e-9) << buffer.name;
    }
    EXPECT_EQ(largest_difference(before, net.buffers().front().tensor) > 0, training);
  }
};

TEST_P(ForwardEqualsNestedLoops, WithBatchStatisticsWhichMoveTheRunningOnes) { compare(true); }
TEST_P(ForwardEqualsNestedLoops, WithRunningStatisticsWhichStay) { compare(false); }

INSTANTIATE_TEST_SUITE_P(ResNet, ForwardEqualsNestedLoops,
                         ::testing::Values(Shape{options(10, 2, "imagenet", 1, 2, 3), 37},
                                           Shape{options(10, 3, "small", 2, 2), 17},
                                           Shape{options(18, 2, "small", 1, 1), 11},
                                           Shape{options(34, 1, "small", 2, 1), 12},
                                           Shape{options(50, 1, "small", 3, 2), 25}));

TEST(ResNet, GradientsOfEveryParameterEqualFiniteDifferences) {
  auto net = double_net(options(10, 2, "imagenet", 1, 1));
  const auto x = normal({3, 1, 21, 21}, 5), direction = normal({3, 5}, 6);
  const auto loss = [&] { return (net.forward(x, true).logits * direction).sum(); };
  for (const auto& p : net.parameters()) EXPECT_LT(gradient_error(loss, p.tensor, 3), 2e-6) << p.name;
}

// Narrow nets meet oneDNN kernels for partly filled SIMD blocks, of which one is wrong (oneDNN issue 6035).
TEST(ResNet, Fp32GradientsEqualFp64OnesAtAnyWidth) {
  for (const int width : {1, 3, 4, 8, 12, 16}) {
    const auto o = options(10, width, "small", 2, 2);
    ResNet net(o, 7), exact(o, 7);
    for (const auto& p : exact.parameters()) at::Tensor(p.tensor).set_data(p.tensor.detach().to(at::kDouble));
    for (const auto& b : exact.buffers()) at::Tensor(b.tensor).set_data(b.tensor.to(at::kDouble));
    const auto x = normal({4, 1, 32, 32}, 5), direction = normal({4, 5}, 6);
    const auto input = x.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
    (net.forward(input, true).logits * direction).sum().backward();
    (exact.forward(input.to(at::kDouble), true).logits * direction).sum().backward();
    for (std::size_t i = 0; i < net.parameters().size(); ++i) {
      const auto expected = exact.parameters()[i].tensor.grad();
      EXPECT_LT(largest_difference(net.parameters()[i].tensor.grad(), expected),
                1e-4 * (0.1 + expected.abs().max().item<double>()))
          << width << " " << net.parameters()[i].name;
    }
  }
}

at::IntArrayRef shape_of(const ResNet& net, const std::string& name) {
  for (const auto& p : net.parameters()) {
    if (p.name == name) return p.tensor.sizes();
  }
  throw std::out_of_range(name);
}

TEST(ResNet, HasTorchvisionsParametersNamesAndShapes) {
  const auto imagenet = [](int depth) { return ResNet({depth, 64, "imagenet", 1, 2, 3, 1000}, 1); };
  const auto r18 = imagenet(18), r34 = imagenet(34), r50 = imagenet(50);
  EXPECT_EQ(r18.parameter_count(), 11'689'512);
  EXPECT_EQ(r34.parameter_count(), 21'797'672);
  EXPECT_EQ(r50.parameter_count(), 25'557'032);
  EXPECT_EQ(r18.parameters().size(), 62U);
  EXPECT_EQ(r34.parameters().size(), 110U);
  EXPECT_EQ(r50.parameters().size(), 161U);
  EXPECT_EQ(r18.buffers().size(), 40U);
  EXPECT_EQ(r50.buffers().size(), 106U);

  EXPECT_EQ(shape_of(r18, "conv1.weight"), at::IntArrayRef({64, 3, 7, 7}));
  EXPECT_EQ(shape_of(r18, "bn1.bias"), at::IntArrayRef({64}));
  EXPECT_EQ(shape_of(r18, "layer1.1.conv2.weight"), at::IntArrayRef({64, 64, 3, 3}));
  EXPECT_EQ(shape_of(r18, "layer2.0.downsample.0.weight"), at::IntArrayRef({128, 64, 1, 1}));
  EXPECT_EQ(shape_of(r18, "layer4.0.downsample.1.weight"), at::IntArrayRef({512}));
  EXPECT_THROW(shape_of(r18, "layer1.0.downsample.0.weight"), std::out_of_range);
  EXPECT_EQ(shape_of(r34, "layer3.5.conv1.weight"), at::IntArrayRef({256, 256, 3, 3}));
  EXPECT_EQ(shape_of(r50, "layer1.0.downsample.0.weight"), at::IntArrayRef({256, 64, 1, 1}));
  EXPECT_EQ(shape_of(r50, "layer4.2.conv3.weight"), at::IntArrayRef({2048, 512, 1, 1}));
  EXPECT_EQ(shape_of(r50, "fc.weight"), at::IntArrayRef({1000, 2048}));
  EXPECT_EQ(r50.buffers()[0].name, "bn1.running_mean");
  EXPECT_EQ(r50.buffers()[1].name, "bn1.running_var");
}

TEST(ResNet, InitialWeightsAreAFunctionOfTheSeedWithHeNormalSpread) {
  const auto o = options(18, 32, "small", 1, 2);
  const ResNet one(o, 5), same(o, 5), other(o, 6);
  for (std::size_t i = 0; i < one.parameters().size(); ++i) {
    const auto& [name, p] = one.parameters()[i];
    EXPECT_TRUE(p.requires_grad() && p.is_leaf() && p.scalar_type() == at::kFloat) << name;
    EXPECT_EQ(largest_difference(p, same.parameters()[i].tensor), 0) << name;
    EXPECT_NE(p.const_data_ptr(), same.parameters()[i].tensor.const_data_ptr()) << name;
    if (p.dim() == 4) {
      EXPECT_TRUE(p.is_contiguous(at::MemoryFormat::ChannelsLast)) << name;
      EXPECT_GT(largest_difference(p, other.parameters()[i].tensor), 0) << name;
      const double fan_out = static_cast<double>(p.size(0) * p.size(2) * p.size(3));
      const double n = static_cast<double>(p.numel()), deviation = std::sqrt(2 / fan_out);
      EXPECT_NEAR(p.std().item<double>(), deviation, 5 * deviation / std::sqrt(2 * n)) << name;
      EXPECT_NEAR(p.mean().item<double>(), 0, 5 * deviation / std::sqrt(n)) << name;
    } else if (!name.starts_with("fc.")) {
      EXPECT_TRUE((p == (name.ends_with("weight") ? 1 : 0)).all().item<bool>()) << name;
    }
  }
  const double bound = 1 / std::sqrt(256.0), most = one.fc_weight().abs().max().item<double>();
  EXPECT_LE(most, bound);
  EXPECT_GT(most, 0.98 * bound);
}

class ReceptiveFieldIsWhereImpulsesArrive : public ::testing::TestWithParam<Shape> {};

// A row of ones reaches a cell of a net of positive weights exactly when it lies in the cell's receptive field: the
// middle of those rows is its centre, whatever arithmetic says.
TEST_P(ReceptiveFieldIsWhereImpulsesArrive, CentresOfCells) {
  const auto& [o, rows] = GetParam();
  const at::NoGradGuard no_grad;
  ResNet net(o, 1);
  for (const auto& p : net.parameters()) {
    if (p.tensor.dim() == 4) p.tensor.fill_(1.0 / static_cast<double>(p.tensor[0].numel()));
  }
  auto x = at::zeros({rows, 1, rows, 4});
  for (int row = 0; row < rows; ++row) x[row].select(1, row).fill_(1);
  const auto reached = net.forward(x, false).features.amax({1, 3}) > 0;  // [impulse row, cell]
  const auto field = net.receptive_field();
  int whole = 0;
  for (std::int64_t k = 0; k < reached.size(1); ++k) {
    std::vector<int> inside;
    for (int row = 0; row < rows; ++row) {
      if (reached[row][k].item<bool>()) inside.push_back(row);
    }
    ASSERT_FALSE(inside.empty());
    if (inside.front() == 0 || inside.back() == rows - 1) continue;  // cut by the image
    ++whole;
    EXPECT_DOUBLE_EQ(0.5 * (inside.front() + inside.back()), field.offset + field.stride * static_cast<double>(k));
  }
  EXPECT_GE(whole, 2);
}

INSTANTIATE_TEST_SUITE_P(
    ResNet, ReceptiveFieldIsWhereImpulsesArrive,
    ::testing::Values(Shape{options(10, 1, "imagenet", 1, 2), 264}, Shape{options(10, 1, "imagenet", 1, 1), 200},
                      Shape{options(10, 1, "small", 1, 2), 80}, Shape{options(10, 1, "small", 1, 1), 64},
                      Shape{options(10, 1, "small", 2, 2), 150}, Shape{options(10, 1, "small", 2, 1), 110},
                      Shape{options(10, 1, "small", 3, 2), 210}, Shape{options(10, 1, "small", 3, 1), 160},
                      Shape{options(50, 1, "small", 1, 2), 150}));

TEST(ResNet, UnknownOptionsAreRefusedWithTheirName) {
  const auto message = [](ResNetOptions o) {
    try {
      const ResNet net(o, 1);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message(options(20, 8, "small", 1, 2)).find("depth 20"), std::string::npos);
  EXPECT_NE(message(options(18, 8, "large", 1, 2)).find("\"large\""), std::string::npos);
  EXPECT_NE(message(options(18, 8, "small", 4, 2)).find("stem_stride 4"), std::string::npos);
  EXPECT_NE(message(options(18, 8, "small", 1, 3)).find("last_stride 3"), std::string::npos);
  EXPECT_NE(message(options(18, 0, "small", 1, 2)).find("width 0"), std::string::npos);
  EXPECT_EQ(message(options(18, 8, "small", 1, 2)), "");
}

}  // namespace
}  // namespace penumbra::trainer
