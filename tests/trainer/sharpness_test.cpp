#include "trainer/optim/sharpness.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "comm/gradient_sync.h"
#include "tests/comm/small_net.h"
#include "tests/comm/test_world.h"
#include "tests/trainer/tensor_testing.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::largest_difference;
using testing::SmallNet;
using testing::test_world;

constexpr double kRadius = 0.2, kRate = 0.3;
constexpr std::int64_t kBatch = 12;

struct TwoWeights {
  at::Tensor weight = at::tensor({3.0F, 4.0F, 7.0F}).requires_grad_();
  at::Tensor mean = at::tensor({1.0F});
  comm::FlatParameters flat{{{"w", weight}}};

  SharpnessAscent ascent(std::vector<comm::Interval> owned = {{0, 3}}) {
    return {flat, std::move(owned), mean, kRadius};
  }
};

TEST(SharpnessAscent, GoesTheRadiusAlongTheGradientAndComesBackBitForBit) {
  TwoWeights w;
  SharpnessAscent ascent = w.ascent();
  w.flat.gradients().copy_(at::tensor({0.6F, -0.8F, 0.0F}));
  const at::Tensor before = w.flat.values().clone();
  ascent.climb(at::scalar_tensor(1.0F));
  EXPECT_LT(largest_difference(w.flat.values(), at::tensor({3.12, 3.84, 7.0}, at::kDouble)), 1e-6);
  w.mean.fill_(5);
  ascent.come_back();
  EXPECT_TRUE(w.flat.values().equal(before));
  EXPECT_EQ(w.mean.item<float>(), 1) << "the running statistics of the second pass are not kept";
}

TEST(SharpnessAscent, LeavesWhatOthersOwnToThem) {
  TwoWeights w;
  SharpnessAscent ascent = w.ascent({{0, 1}, {2, 1}});
  EXPECT_EQ(ascent.kept_values(), 2);
  w.flat.gradients().fill_(2);
  ascent.climb(at::scalar_tensor(4.0F));
  EXPECT_LT(largest_difference(w.flat.values(), at::tensor({3.1, 4.0, 7.1}, at::kDouble)), 1e-6);
  w.flat.values()[1].fill_(-1);
  ascent.come_back();
  EXPECT_LT(largest_difference(w.flat.values(), at::tensor({3.0, -1.0, 7.0}, at::kDouble)), 1e-12);
}

TEST(SharpnessAscent, HasNoDirectionWithoutAGradientAndShowsOneThatIsNotFinite) {
  TwoWeights w;
  SharpnessAscent ascent = w.ascent();
  w.flat.gradients().zero_();
  const at::Tensor before = w.flat.values().clone();
  ascent.climb(at::scalar_tensor(0.0F));
  EXPECT_TRUE(w.flat.values().equal(before));
  ascent.come_back();
  w.flat.gradients()[1].fill_(std::numeric_limits<float>::infinity());
  ascent.climb(at::scalar_tensor(std::numeric_limits<float>::infinity()));
  EXPECT_FALSE(w.flat.values().isfinite().all().item<bool>());
  ascent.come_back();
  EXPECT_TRUE(w.flat.values().equal(before));
}

/// The net in fp64, on the whole batch: sharpness-aware descent as the paper has it.
struct Reference {
  SmallNet net;
  std::vector<at::Tensor> parameters;

  Reference() {
    for (at::Tensor* tensor : {&net.stem, &net.stem_bias, &net.left, &net.right, &net.linear, &net.linear_bias}) {
      *tensor = tensor->detach().to(at::kDouble).requires_grad_();
      parameters.push_back(*tensor);
    }
  }

  std::vector<at::Tensor> gradients(int step) {
    for (at::Tensor& parameter : parameters) parameter.mutable_grad() = at::Tensor();
    net.loss(testing::step_images(kBatch, step).to(at::kDouble), testing::step_labels(kBatch, step), kBatch).backward();
    std::vector<at::Tensor> out;
    for (const at::Tensor& parameter : parameters) out.push_back(parameter.grad().clone());
    return out;
  }

  void descend(int step) {
    const auto uphill = gradients(step);
    double square = 0;
    for (const at::Tensor& gradient : uphill) square += gradient.square().sum().item<double>();
    const auto move = [&](const std::vector<at::Tensor>& along, double by) {
      const at::NoGradGuard no_grad;
      for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].add_(along[i], by);
    };
    move(uphill, kRadius / std::sqrt(square));
    const auto there = gradients(step);
    move(uphill, -kRadius / std::sqrt(square));
    move(there, -kRate);
  }
};

/// What training_step() does, on any ranks: a rank takes its rows of the batch.
void descend(SmallNet& net, comm::FlatParameters& flat, comm::GradientSync& sync, SharpnessAscent& ascent, int step) {
  const comm::Interval rows = comm::part_of(kBatch, test_world().rank(), test_world().size());
  const auto images = testing::step_images(kBatch, step).narrow(0, rows.offset, rows.size);
  const auto labels = testing::step_labels(kBatch, step).narrow(0, rows.offset, rows.size);
  const auto take_gradient = [&] {
    sync.begin_step();
    sync.await_values();
    net.loss(images, labels, kBatch).backward();
    sync.finish_step();
  };
  take_gradient();
  ascent.climb(sync.norm());
  sync.share_values();
  take_gradient();
  ascent.come_back();
  const at::NoGradGuard no_grad;
  for (const comm::Interval& own : sync.owned())
    flat.values().narrow(0, own.offset, own.size).sub_(flat.gradients().narrow(0, own.offset, own.size), kRate);
  sync.share_values();
  sync.await_values();
}

TEST(SharpnessAwareDescent, IsThatOfTheWholeBatchInDoublesOnAnyRanks) {
  for (const auto mode : {comm::SyncMode::all_reduce, comm::SyncMode::sharded}) {
    SmallNet net;
    comm::FlatParameters flat(net.parameters());
    comm::GradientSync sync(flat, {}, test_world().collective(), {.first_bucket_bytes = 512, .mode = mode});
    SharpnessAscent ascent(flat, sync.owned(), at::empty({0}), kRadius);
    Reference reference;
    const at::Tensor start = net.linear.clone();
    for (int step = 0; step < 4; ++step) {
      descend(net, flat, sync, ascent, step);
      reference.descend(step);
    }
    EXPECT_GT(largest_difference(net.linear, start), 0.01);
    EXPECT_LT(largest_difference(net.stem, reference.net.stem), 1e-5);
    EXPECT_LT(largest_difference(net.left, reference.net.left), 1e-5);
    EXPECT_LT(largest_difference(net.linear, reference.net.linear), 1e-5);
    EXPECT_LT(largest_difference(net.linear_bias, reference.net.linear_bias), 1e-5);
  }
}

}  // namespace
}  // namespace penumbra::trainer
