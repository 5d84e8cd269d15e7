#include "comm/gradient_sync.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "tests/comm/reducer_oracle.h"
#include "tests/comm/small_net.h"
#include "tests/comm/test_world.h"

namespace penumbra::comm {
namespace {

using testing::relative_error;
using testing::SmallNet;
using testing::step_images;
using testing::step_labels;
using testing::test_world;

constexpr int kSteps = 3;
constexpr double kRate = 0.5;

/// Rank r takes r + 1 parts of three images.
struct Share {
  static constexpr std::int64_t kPart = 3;
  std::int64_t batch = kPart * test_world().size() * (test_world().size() + 1) / 2;
  std::int64_t begin = kPart * test_world().rank() * (test_world().rank() + 1) / 2;
  std::int64_t size = kPart * (test_world().rank() + 1);

  at::Tensor images(int step) const { return step_images(batch, step).narrow(0, begin, size); }
  at::Tensor labels(int step) const { return step_labels(batch, step).narrow(0, begin, size); }
};

/// Every second rank runs the branches the other way round, so that its gradients come in another order.
bool right_first() { return test_world().rank() % 2 == 1; }

std::vector<at::Tensor> tensors_of(const SmallNet& net) {
  std::vector<at::Tensor> tensors;
  for (const NamedTensor& parameter : net.parameters()) tensors.push_back(parameter.tensor);
  return tensors;
}

void descend(const std::vector<at::Tensor>& parameters) {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) parameter.sub_(parameter.grad(), kRate);
  }
}

void expect_equal_gradients(const SmallNet& net, const SmallNet& expected, double tolerance) {
  const auto ours = net.parameters(), theirs = expected.parameters();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (ours[i].name == "unused") {
      EXPECT_EQ(ours[i].tensor.grad().abs().max().item<float>(), 0);
    } else {
      EXPECT_LE(relative_error(ours[i].tensor.grad(), theirs[i].tensor.grad()), tolerance) << ours[i].name;
    }
  }
}

/// Passes calls on, and remembers their sizes.
class Recorder : public Collective {
 public:
  explicit Recorder(Collective& inner) : inner_(inner) {}
  int rank() const override { return inner_.rank(); }
  int world_size() const override { return inner_.world_size(); }
  Work all_reduce_sum(const at::Tensor& tensor, Wire wire) override {
    note(tensor);
    return inner_.all_reduce_sum(tensor, wire);
  }
  Work reduce_scatter_sum(const at::Tensor& tensor, Wire wire) override {
    note(tensor);
    return inner_.reduce_scatter_sum(tensor, wire);
  }
  Work all_gather(const at::Tensor& tensor) override {
    note(tensor);
    return inner_.all_gather(tensor);
  }
  Work broadcast(const at::Tensor& tensor, int root) override { return inner_.broadcast(tensor, root); }

  std::string calls;

 private:
  void note(const at::Tensor& tensor) {
    calls += std::to_string(tensor.storage_offset()) + "+" + std::to_string(tensor.numel()) + " ";
  }

  Collective& inner_;
};

TEST(GradientSync, OtherBucketsBetweenStepsKeepTheGradients) {
  const Share share;
  SmallNet net, whole;
  FlatParameters flat(net.parameters());
  GradientSync sync(flat, {}, test_world().collective(), {.first_bucket_bytes = 4, .bucket_bytes = 4});
  const std::int64_t most = sync.buckets();
  for (const std::int64_t bytes : {4, 1024, 1 << 20}) {
    sync.rebucket(bytes);
    sync.begin_step();
    EXPECT_THROW(sync.rebucket(8), std::logic_error) << "within a step";
    net.loss(share.images(0), share.labels(0), share.batch).backward();
    sync.finish_step();
    whole.loss(step_images(share.batch, 0), step_labels(share.batch, 0), share.batch).backward();
    expect_equal_gradients(net, whole, 1e-5);
    for (const at::Tensor& parameter : tensors_of(whole)) parameter.mutable_grad() = at::Tensor();
  }
  EXPECT_LT(sync.buckets(), most);
}

/// Bytes of the first bucket and of the others: one parameter each, a few each, all in one.
class EveryBucketSize : public ::testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {
 protected:
  GradientSyncOptions options() const { return {GetParam().first, GetParam().second}; }
};

TEST_P(EveryBucketSize, GradientIsThatOfTheWholeBatchOnOneRank) {
  const Share share;
  SmallNet net, whole;
  FlatParameters flat(net.parameters());
  GradientSync sync(flat, {}, test_world().collective(), options());
  for (int step = 0; step < kSteps; ++step) {
    sync.begin_step();
    net.loss(share.images(step), share.labels(step), share.batch, right_first()).backward();
    sync.finish_step();
    for (at::Tensor& parameter : tensors_of(whole)) parameter.mutable_grad() = at::Tensor();
    whole.loss(step_images(share.batch, step), step_labels(share.batch, step), share.batch).backward();
    expect_equal_gradients(net, whole, 1e-5);
    descend(tensors_of(net));
    descend(tensors_of(whole));
  }
}

TEST_P(EveryBucketSize, GradientIsThatOfPyTorchsReducer) {
  const Share share;
  SmallNet net, other;
  FlatParameters flat(net.parameters());
  GradientSync sync(flat, {}, test_world().collective(), options());
  testing::ReducerOracle oracle(tensors_of(other), test_world());
  for (int step = 0; step < kSteps; ++step) {
    sync.begin_step();
    net.loss(share.images(step), share.labels(step), share.batch, right_first()).backward();
    sync.finish_step();
    oracle.backward(other.loss(share.images(step), share.labels(step), share.batch, right_first()));
    expect_equal_gradients(net, other, 1e-6);
    descend(tensors_of(net));
    descend(tensors_of(other));
  }
}

TEST_P(EveryBucketSize, BucketsLeaveInTheSameOrderOnEveryRank) {
  const Share share;
  SmallNet net;
  FlatParameters flat(net.parameters());
  Recorder recorder(test_world().collective());
  GradientSync sync(flat, at::zeros({3}), recorder, options());
  for (int step = 0; step < kSteps; ++step) {
    sync.begin_step();
    net.loss(share.images(step), share.labels(step), share.batch, right_first()).backward();
    sync.finish_step();
  }
  for (const std::string& theirs : test_world().all_gather(recorder.calls)) EXPECT_EQ(theirs, recorder.calls);
  if (test_world().size() == 1) {
    EXPECT_EQ(recorder.calls, "") << "a world of one sends nothing";
  } else {
    EXPECT_NE(recorder.calls, "");
  }
}

TEST_P(EveryBucketSize, EveryRankGetsTheSameBits) {
  const Share share;
  SmallNet net;
  FlatParameters flat(net.parameters());
  GradientSync sync(flat, {}, test_world().collective(), options());
  sync.begin_step();
  net.loss(share.images(0), share.labels(0), share.batch, right_first()).backward();
  sync.finish_step();
  const at::Tensor gradients = flat.gradients();
  const std::string bytes(static_cast<const char*>(gradients.const_data_ptr()), gradients.nbytes());
  for (const std::string& theirs : test_world().all_gather(bytes)) EXPECT_TRUE(theirs == bytes);
}

TEST_P(EveryBucketSize, ShardedDescentIsThatOfTheWholeBatchOnOneRank) {
  const Share share;
  SmallNet net, whole;
  FlatParameters flat(net.parameters());
  GradientSyncOptions sharded = options();
  sharded.mode = SyncMode::sharded;
  GradientSync sync(flat, {}, test_world().collective(), sharded);
  for (int step = 0; step < kSteps; ++step) {
    sync.begin_step();
    net.loss(share.images(step), share.labels(step), share.batch, right_first()).backward();
    sync.finish_step();
    const at::Tensor norm = sync.norm();
    for (const Interval& own : sync.owned()) {
      const at::NoGradGuard no_grad;
      flat.values().narrow(0, own.offset, own.size).sub_(flat.gradients().narrow(0, own.offset, own.size), kRate);
    }
    sync.share_values();
    for (const at::Tensor& parameter : tensors_of(net)) sync.await_values(parameter);

    for (at::Tensor& parameter : tensors_of(whole)) parameter.mutable_grad() = at::Tensor();
    whole.loss(step_images(share.batch, step), step_labels(share.batch, step), share.batch).backward();
    double square = 0;
    for (const at::Tensor& parameter : tensors_of(whole)) {
      if (parameter.grad().defined()) square += parameter.grad().square().sum().item<double>();
    }
    EXPECT_NEAR(norm.item<double>(), std::sqrt(square), 1e-5 * std::sqrt(square));
    descend(tensors_of(whole));
    const auto ours = net.parameters(), theirs = whole.parameters();
    for (std::size_t i = 0; i < ours.size(); ++i)
      EXPECT_LE(relative_error(ours[i].tensor, theirs[i].tensor), 1e-5) << ours[i].name;
  }
}

TEST_P(EveryBucketSize, OwnedIntervalsOfAllRanksAreTheWholeOnce) {
  SmallNet net;
  FlatParameters flat(net.parameters());
  GradientSyncOptions sharded = options();
  sharded.mode = SyncMode::sharded;
  GradientSync sync(flat, {}, test_world().collective(), sharded);
  at::Tensor owners = at::zeros({flat.size()});
  for (const Interval& own : sync.owned()) owners.narrow(0, own.offset, own.size).add_(1);
  test_world().collective().all_reduce_sum(owners).wait();
  EXPECT_TRUE(owners.eq(1).all().item<bool>());
}

TEST_P(EveryBucketSize, AccumulatedPartsOfABatchAreTheWholeBatchAtTheSameTraffic) {
  const Share share;
  SmallNet net, whole;
  FlatParameters flat(net.parameters()), flat_whole(whole.parameters());
  Recorder parts(test_world().collective()), once(test_world().collective());
  GradientSync sync(flat, {}, parts, options()), sync_whole(flat_whole, {}, once, options());
  for (int step = 0; step < kSteps; ++step) {
    sync.begin_step(3);
    for (int part = 0; part < 3; ++part) {
      const Interval rows = part_of(share.size, part, 3);
      net.loss(share.images(step).narrow(0, rows.offset, rows.size),
               share.labels(step).narrow(0, rows.offset, rows.size), share.batch, right_first())
          .backward();
    }
    sync.finish_step();
    sync_whole.begin_step();
    whole.loss(share.images(step), share.labels(step), share.batch, right_first()).backward();
    sync_whole.finish_step();
    expect_equal_gradients(net, whole, 1e-5);
  }
  EXPECT_EQ(parts.calls, once.calls);
}

TEST_P(EveryBucketSize, Bf16WireRoundsTheSumsButNotTheirAgreement) {
  const Share share;
  SmallNet net, exact;
  FlatParameters flat(net.parameters()), flat_exact(exact.parameters());
  GradientSyncOptions rounded = options();
  rounded.wire = Wire::bf16;
  GradientSync sync(flat, {}, test_world().collective(), rounded);
  GradientSync sync_exact(flat_exact, {}, test_world().collective(), options());
  for (auto [one, own] : {std::pair{&sync, &net}, {&sync_exact, &exact}}) {
    one->begin_step();
    own->loss(share.images(0), share.labels(0), share.batch, right_first()).backward();
    one->finish_step();
  }
  // Every addend and the sum are off by at most 2^-9 of themselves; addends of either sign are larger than their sum.
  expect_equal_gradients(net, exact, test_world().size() == 1 ? 0 : 0.02);
  const at::Tensor gradients = flat.gradients();
  const std::string bytes(static_cast<const char*>(gradients.const_data_ptr()), gradients.nbytes());
  for (const std::string& theirs : test_world().all_gather(bytes)) EXPECT_TRUE(theirs == bytes);
}

INSTANTIATE_TEST_SUITE_P(GradientSync, EveryBucketSize,
                         ::testing::Values(std::pair<std::int64_t, std::int64_t>{1, 1},
                                           std::pair<std::int64_t, std::int64_t>{200, 800},
                                           std::pair<std::int64_t, std::int64_t>{1 << 20, 25 << 20}));

TEST(GradientSync, RankWithoutAnyGradientCountsAsZero) {
  SmallNet net, first;
  FlatParameters flat(net.parameters());
  GradientSync sync(flat, {}, test_world().collective(), {64, 64});
  const auto loss = [](SmallNet& of) { return of.loss(step_images(4, 0), step_labels(4, 0), 4); };
  sync.begin_step();
  if (test_world().rank() == 0) loss(net).backward();
  sync.finish_step();
  loss(first).backward();
  expect_equal_gradients(net, first, 0);
}

TEST(GradientSync, NormOfMillionsOfElementsIsRightToSixDigits) {
  FlatParameters flat({{"w", at::zeros({3000, 1001}).requires_grad_()}});
  for (const SyncMode mode : {SyncMode::all_reduce, SyncMode::sharded}) {
    GradientSyncOptions options;
    options.mode = mode;
    GradientSync sync(flat, {}, test_world().collective(), options);
    flat.gradients().fill_(1e-3F);
    const double expected = static_cast<double>(1e-3F) * std::sqrt(3000.0 * 1001.0);
    EXPECT_EQ(sync.norm().dim(), 0);
    EXPECT_EQ(sync.norm().scalar_type(), at::kFloat);
    EXPECT_NEAR(sync.norm().item<double>() / expected, 1, 1e-6);
  }
}

TEST(GradientSync, RunningStatisticsAreAveragedOverTheRanks) {
  const double n = test_world().size(), rank = test_world().rank();
  SmallNet net;
  FlatParameters flat(net.parameters());
  const at::Tensor slope = at::arange(5, at::kFloat), statistics = at::empty_like(slope);
  GradientSync sync(flat, statistics, test_world().collective());
  for (int step = 0; step < 2; ++step) {
    statistics.copy_(rank * slope + step);
    sync.begin_step();
    sync.finish_step();
    EXPECT_TRUE(statistics.allclose((n - 1) / 2 * slope + step));
  }
}

TEST(GradientSync, BroadcastStateGivesEveryRankTheFirstOnes) {
  const double rank = test_world().rank();
  SmallNet net, start;
  {
    const at::NoGradGuard no_grad;
    for (at::Tensor& parameter : tensors_of(net)) parameter.add_(rank);
  }
  FlatParameters flat(net.parameters());
  const at::Tensor statistics = at::full({4}, rank + 1);
  broadcast_state(flat, statistics, test_world().collective());
  const auto ours = net.parameters(), first = start.parameters();
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_TRUE(ours[i].tensor.equal(first[i].tensor)) << ours[i].name;
  EXPECT_TRUE(statistics.equal(at::full({4}, 1.0)));
}

}  // namespace
}  // namespace penumbra::comm
