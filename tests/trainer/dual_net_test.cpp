#include "trainer/nets/dual_net.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include "tests/trainer/tensor_testing.h"
#include "trainer/nets/autocast.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::largest_difference;
using penumbra::testing::normal;

const ResNetOptions kSmall{10, 4, "small", 2, 1, 1, 3};

data::Batch batch() {
  data::Batch b;
  b.weak = normal({4, 1, 16, 16}, 1).to(at::kFloat);
  b.ambiguous = normal({4, 1, 16, 16}, 2).to(at::kFloat);
  return b;
}

TEST(DualNet, StartsFromEqualWeightsInSeparateMemory) {
  DualNet nets(kSmall, Method::full, 3);
  const auto all = nets.parameters();
  const auto half = all.size() / 2;
  ASSERT_EQ(all.size(), 2 * nets.original().parameters().size());
  for (std::size_t i = 0; i < half; ++i) {
    EXPECT_EQ(all[i].name, "original." + nets.original().parameters()[i].name);
    EXPECT_EQ(all[half + i].name, "ambiguous." + nets.original().parameters()[i].name);
    EXPECT_EQ(largest_difference(all[i].tensor, all[half + i].tensor), 0);
    EXPECT_NE(all[i].tensor.const_data_ptr(), all[half + i].tensor.const_data_ptr());
  }
  EXPECT_EQ(nets.buffers().size(), 2 * nets.original().buffers().size());
  EXPECT_NE(nets.buffers().front().tensor.const_data_ptr(),
            nets.buffers()[nets.buffers().size() / 2].tensor.const_data_ptr());
}

TEST(DualNet, EachNetSeesItsOwnViewsAlone) {
  DualNet nets(kSmall, Method::full, 3);
  ResNet original(kSmall, 3), ambiguous(kSmall, 3);
  const auto b = batch();
  const auto views = nets.forward(b, false);
  EXPECT_EQ(largest_difference(views.original.logits, original.forward(b.weak, true).logits), 0);
  EXPECT_EQ(largest_difference(views.ambiguous->logits, ambiguous.forward(b.ambiguous, true).logits), 0);
  for (std::size_t i = 0; i < original.buffers().size(); ++i) {
    EXPECT_EQ(largest_difference(nets.original().buffers()[i].tensor, original.buffers()[i].tensor), 0);
    EXPECT_EQ(largest_difference(nets.ambiguous()->buffers()[i].tensor, ambiguous.buffers()[i].tensor), 0);
  }
  std::vector<at::Tensor> buffers;
  for (const auto& buffer : nets.buffers()) buffers.push_back(buffer.tensor.flatten());
  EXPECT_TRUE(nets.statistics().equal(at::cat(buffers)));
}

TEST(DualNet, SharedConvolutionsAreOneTensorThatLearnsFromBothViews) {
  DualNet nets(kSmall, Method::full, 3, Convolutions::shared), apart(kSmall, Method::full, 3);
  std::vector<std::string> own;
  for (const auto& p : nets.parameters()) {
    if (p.name.starts_with("ambiguous.")) own.push_back(p.name);
    EXPECT_TRUE(p.name.starts_with("original.") || p.tensor.dim() != 4) << p.name;
  }
  EXPECT_EQ(own.front(), "ambiguous.bn1.weight");
  EXPECT_EQ(own.back(), "ambiguous.fc.bias");
  EXPECT_EQ(nets.buffers().size(), apart.buffers().size());
  const auto b = batch();
  for (DualNet* both : {&nets, &apart}) {
    const auto views = both->forward(b, false);
    (views.original.logits.pow(2).sum() + views.ambiguous->logits.pow(2).sum()).backward();
  }
  for (std::size_t i = 0; i < nets.original().parameters().size(); ++i) {
    const auto gradient = [i](ResNet& net) { return net.parameters()[i].tensor.grad(); };
    const auto f_o = gradient(apart.original()), f_a = gradient(*apart.ambiguous());
    const bool shared = f_o.dim() == 4;
    const double scale = f_o.abs().max().item<double>() + 1e-6;
    EXPECT_LT(largest_difference(gradient(nets.original()), shared ? f_o + f_a : f_o), 1e-5 * scale);
    EXPECT_LT(largest_difference(gradient(*nets.ambiguous()), shared ? f_o + f_a : f_a), 1e-5 * scale);
  }
}

TEST(DualNet, CeOnlyHasNoSecondNet) {
  DualNet nets(kSmall, Method::ce_only, 3);
  EXPECT_EQ(nets.ambiguous(), nullptr);
  EXPECT_EQ(nets.parameters().size(), nets.original().parameters().size());
  EXPECT_EQ(nets.buffers().size(), nets.original().buffers().size());
  auto b = batch();
  b.ambiguous = at::Tensor();
  EXPECT_FALSE(nets.forward(b, false).ambiguous.has_value());
}

TEST(DualNet, MixupOnlyIsOneNetThatSeesTwoBatchesInTurn) {
  DualNet nets(kSmall, Method::mixup_only, 3);
  EXPECT_EQ(nets.ambiguous(), nullptr);
  ResNet net(kSmall, 3);
  const auto b = batch();
  const auto views = nets.forward(b, false);
  const auto direction = normal({4, 3}, 9).to(at::kFloat);
  ((views.original.logits + 2 * views.ambiguous->logits) * direction).sum().backward();

  // Each batch through the single net, each with a backward of its own before the running statistics move again.
  const auto weak = net.forward(b.weak, true).logits;
  (weak * direction).sum().backward();
  const auto ambiguous = net.forward(b.ambiguous, true).logits;
  (2 * ambiguous * direction).sum().backward();
  EXPECT_EQ(largest_difference(views.original.logits, weak), 0);
  EXPECT_EQ(largest_difference(views.ambiguous->logits, ambiguous), 0);
  for (std::size_t i = 0; i < net.parameters().size(); ++i) {
    const auto expected = net.parameters()[i].tensor.grad();
    EXPECT_LT(largest_difference(nets.parameters()[i].tensor.grad(), expected),
              1e-5 * (1 + expected.abs().max().item<double>()))
        << net.parameters()[i].name;
  }
  for (std::size_t i = 0; i < net.buffers().size(); ++i) {
    EXPECT_EQ(largest_difference(nets.original().buffers()[i].tensor, net.buffers()[i].tensor), 0);
  }
}

TEST(DualNet, Bf16ComputesFeaturesInBf16AndLogitsCloseToFp32) {
  DualNet exact(kSmall, Method::full, 3), rounded(kSmall, Method::full, 3);
  const auto a = exact.forward(batch(), false), b = rounded.forward(batch(), true);
  EXPECT_EQ(a.original.features.scalar_type(), at::kFloat);
  EXPECT_EQ(b.original.features.scalar_type(), at::kBFloat16);
  EXPECT_EQ(b.ambiguous->logits.scalar_type(), at::kFloat);
  const double scale = a.original.logits.abs().max().item<double>();
  EXPECT_LT(largest_difference(a.original.logits, b.original.logits), 0.05 * scale);
  EXPECT_GT(largest_difference(a.original.logits, b.original.logits), 0);
  b.original.logits.sum().backward();
  EXPECT_EQ(rounded.original().parameters().front().tensor.grad().scalar_type(), at::kFloat);
}

TEST(DualNet, Bf16ForwardSeesAnUpdateOfTheWeights) {
  DualNet nets(kSmall, Method::ce_only, 3);
  const auto before = nets.forward(batch(), true).original.logits;
  {
    const at::NoGradGuard no_grad;
    for (const auto& p : nets.parameters()) {
      if (p.tensor.dim() == 4) p.tensor.neg_();
    }
  }
  EXPECT_GT(largest_difference(before, nets.forward(batch(), true).original.logits), 1e-3);
}

TEST(Autocast, RestoresWhatWasThereAndNests) {
  const auto enabled = [] { return at::autocast::is_autocast_enabled(at::kCPU); };
  EXPECT_FALSE(enabled());
  {
    const Autocast on(at::kCPU, true);
    EXPECT_TRUE(enabled());
    {
      const Autocast off(at::kCPU, false);
      EXPECT_FALSE(enabled());
    }
    EXPECT_TRUE(enabled());
  }
  EXPECT_FALSE(enabled());
}

}  // namespace
}  // namespace penumbra::trainer
