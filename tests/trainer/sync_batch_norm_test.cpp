#include "trainer/nets/sync_batch_norm.h"

#include <string>
#include <utility>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/comm/test_world.h"

namespace penumbra::trainer {
namespace {

using testing::test_world;

constexpr std::int64_t kChannels = 5;

at::Tensor waves(at::IntArrayRef shape, double pace) {
  std::int64_t size = 1;
  for (const std::int64_t extent : shape) size *= extent;
  return at::arange(size, at::kFloat).mul_(pace).sin_().view(shape);
}

/// fp32, or fp64 for a reference.
BatchNorm fresh_norm(at::ScalarType type) {
  return {waves({kChannels}, 0.9).add_(1.5).to(type).requires_grad_(),
          waves({kChannels}, 1.1).to(type).requires_grad_(), waves({kChannels}, 1.3).to(type),
          waves({kChannels}, 1.7).add_(2).to(type)};
}

/// What a layer makes of a batch x and the gradient dy of its output.
struct Result {
  at::Tensor y, dx, dweight, dbias, running_mean, running_var;
};

template <class Layer>
Result run(at::Tensor x, const at::Tensor& dy, const Layer& layer) {
  const BatchNorm norm = fresh_norm(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
  x = x.detach().clone(at::MemoryFormat::ChannelsLast).requires_grad_();
  const at::Tensor y = layer(x, norm);
  y.backward(dy);
  return {y.detach(), x.grad(), norm.weight.grad(), norm.bias.grad(), norm.running_mean, norm.running_var};
}

at::Tensor plain(const at::Tensor& x, const BatchNorm& n) {
  return at::batch_norm(x, n.weight, n.bias, n.running_mean, n.running_var, true, kNormMomentum, kNormEpsilon, false);
}

at::Tensor over_ranks(const at::Tensor& x, const BatchNorm& n) {
  return sync_batch_norm(x, n, test_world().collective());
}

/// To `tolerance` of the largest value.
void expect_near(const at::Tensor& value, const at::Tensor& expected, double tolerance, const std::string& what) {
  const double off = (value.sub(expected).abs().max() / expected.abs().max()).item<double>();
  EXPECT_LE(off, tolerance) << what;
}

/// Rank r has r + 1 parts of the batch.
TEST(SyncBatchNorm, SharesOfABatchGiveWhatOneRankGivesForTheWhole) {
  const int rank = test_world().rank(), ranks = test_world().size();
  // A large mean costs digits of fp32 in x - mean itself, and all of them where squares are summed in fp32.
  for (const auto& [shift, tolerance] : {std::pair{0.0, 1e-5}, {100.0, 1e-4}}) {
    const at::Tensor x = waves({ranks * (ranks + 1), kChannels, 3, 4}, 0.37).mul_(3).add_(shift);
    const at::Tensor dy = waves(x.sizes(), 0.21);
    const Result whole = run(x.to(at::kDouble), dy.to(at::kDouble), plain);
    const std::int64_t begin = static_cast<std::int64_t>(rank) * (rank + 1), size = 2 * (rank + 1);
    const Result mine = run(x.narrow(0, begin, size), dy.narrow(0, begin, size), over_ranks);
    const at::Tensor dweight = mine.dweight.clone(), dbias = mine.dbias.clone();
    test_world().collective().all_reduce_sum(dweight).wait();
    test_world().collective().all_reduce_sum(dbias).wait();
    expect_near(mine.y, whole.y.narrow(0, begin, size), tolerance, "output");
    expect_near(mine.dx, whole.dx.narrow(0, begin, size), tolerance, "gradient of the input");
    expect_near(dweight, whole.dweight, tolerance, "gradient of the weight");
    expect_near(dbias, whole.dbias, tolerance, "gradient of the bias");
    expect_near(mine.running_mean, whole.running_mean, tolerance, "running mean");
    expect_near(mine.running_var, whole.running_var, tolerance, "running variance");
  }
}

TEST(SyncBatchNorm, TakesBf16AndKeepsItsStatisticsInFp32) {
  const at::Tensor x = waves({4, kChannels, 3, 4}, 0.37 + test_world().rank());
  const Result fp32 = run(x, at::ones_like(x), over_ranks);
  const Result bf16 = run(x.to(at::kBFloat16), at::ones_like(x).to(at::kBFloat16), over_ranks);
  EXPECT_EQ(bf16.y.scalar_type(), at::kBFloat16);
  EXPECT_EQ(bf16.dx.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(bf16.running_var.allclose(fp32.running_var, 0.02, 0.02));
  EXPECT_TRUE(bf16.y.to(at::kFloat).allclose(fp32.y, 0.02, 0.05));
}

}  // namespace
}  // namespace penumbra::trainer
