// What GradientSync sends and when, seen by a collective that only pretends to have a second rank.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comm/error.h"
#include "comm/gradient_sync.h"
#include "tests/comm/small_net.h"

namespace penumbra::comm {
namespace {

using testing::SmallNet;
using testing::step_images;
using testing::step_labels;

/// Two equal ranks: sums are twice the values. Writes down what happens.
class Pretended : public Collective {
 public:
  int rank() const override { return 0; }
  int world_size() const override { return 2; }
  Work all_reduce_sum(const at::Tensor& tensor, Wire) override {
    events.push_back(std::to_string(tensor.numel()));
    tensors.push_back(tensor);
    tensor.mul_(2);
    return Work(std::make_shared<State>(*this));
  }
  Work reduce_scatter_sum(const at::Tensor& tensor, Wire wire) override { return all_reduce_sum(tensor, wire); }
  Work all_gather(const at::Tensor&) override { return Work(std::make_shared<State>(*this)); }
  Work broadcast(const at::Tensor&, int) override { return Work(std::make_shared<State>(*this)); }

  std::vector<std::string> events;  ///< elements of each call, and what a test adds
  std::vector<at::Tensor> tensors;
  std::chrono::milliseconds delay{0};
  bool broken = false;

 private:
  struct State : Work::State {
    explicit State(Pretended& pretended) : owner(pretended) {}
    void wait() override {
      std::this_thread::sleep_for(std::exchange(owner.delay, {}));
      if (owner.broken) throw CommError("rank 1: the cable is cut");
    }
    Pretended& owner;
  };
};

at::Tensor loss_of(SmallNet& net, bool right_first = false) {
  return net.loss(step_images(4, 0), step_labels(4, 0), 4, right_first);
}

struct OneRank {
  explicit OneRank(GradientSyncOptions options = {1, 1}) : sync(flat, {}, wire, options) {}
  void step(bool right_first = false) {
    sync.begin_step();
    loss_of(net, right_first).backward();
    sync.finish_step();
  }
  /// Where the flat buffer has it.
  const void* stem_gradient() const { return flat.gradients().const_data_ptr<float>() + flat.segments().back().offset; }

  SmallNet net;
  FlatParameters flat{net.parameters()};
  Pretended wire;
  GradientSync sync;
};

/// Twice the gradients of an untouched net, in the layout of `flat`.
at::Tensor doubled_gradients(const FlatParameters& flat) {
  SmallNet net;
  const FlatParameters plain(net.parameters());
  loss_of(net).backward();
  EXPECT_EQ(plain.layout(), flat.layout());
  return plain.gradients().mul(2);
}

TEST(GradientOrder, BucketsLeaveWhileBackwardStillRuns) {
  OneRank rank;
  rank.sync.begin_step();
  const at::Tensor loss = loss_of(rank.net);
  rank.net.stem_output.register_hook([&](const at::Tensor&) { rank.wire.events.emplace_back("stem"); });
  loss.backward();
  // The linear layer is full before the stem begins; `unused` holds back what comes after it in the layout.
  EXPECT_EQ(rank.wire.events, (std::vector<std::string>{"5", "40", "stem"}));
  rank.sync.finish_step();
  EXPECT_EQ(rank.wire.events, (std::vector<std::string>{"5", "40", "stem", "7", "48", "432", "6", "54"}));
}

TEST(GradientOrder, IsThatOfTheLayoutWhateverTheGraph) {
  OneRank one, other;
  one.step(false);
  other.step(true);
  EXPECT_EQ(one.wire.events, other.wire.events);
}

TEST(GradientOrder, BucketsAreRunsOfTheBufferWithinTheirLimits) {
  for (const auto& [first, rest] : {std::pair{1, 1}, {44, 200}, {180, 400}, {1000, 250}, {1 << 20, 1 << 20}}) {
    OneRank rank({first, rest});
    rank.step();
    ASSERT_EQ(static_cast<std::int64_t>(rank.wire.tensors.size()), rank.sync.buckets());
    const std::int64_t flat_bytes = rank.flat.size() * 4;
    std::int64_t end = 0;
    for (std::size_t k = 0; k < rank.wire.tensors.size(); ++k) {
      const at::Tensor& bucket = rank.wire.tensors[k];
      EXPECT_EQ(bucket.const_data_ptr(), rank.flat.gradients().const_data_ptr<float>() + end);
      const auto parameters = std::ranges::count_if(rank.flat.segments(), [&](const Segment& segment) {
        return segment.offset >= end && segment.offset < end + bucket.numel();
      });
      const std::int64_t limit = parameters == 1 ? flat_bytes : k == 0 ? first : rest;
      EXPECT_LE(static_cast<std::int64_t>(bucket.nbytes()), limit);
      end += bucket.numel();
    }
    EXPECT_EQ(end, rank.flat.size());
  }
}

TEST(GradientOrder, LargeLimitsMakeOneBucketAndSmallOnesOneAParameter) {
  EXPECT_EQ(OneRank({1 << 20, 1 << 20}).sync.buckets(), 1);
  EXPECT_EQ(OneRank({1, 1}).sync.buckets(), 7);
}

TEST(GradientOrder, EveryElementIsSummedOnce) {
  for (const std::int64_t bytes : {1, 300, 1 << 20}) {
    OneRank rank({bytes, bytes});
    for (int step = 0; step < 3; ++step) {
      rank.step();
      EXPECT_TRUE(rank.flat.gradients().equal(doubled_gradients(rank.flat)));
    }
  }
}

TEST(GradientOrder, GradientThatNoLongerComesIsZero) {
  OneRank rank({300, 300});
  rank.step();
  rank.sync.begin_step();
  rank.sync.finish_step();
  EXPECT_TRUE(rank.flat.gradients().eq(0).all().item<bool>());
}

/// Watches the operators that are called in this thread, and in autograd's on its behalf.
class Calls {
 public:
  Calls() : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(note).needsInputs(true))) { seen() = {}; }
  ~Calls() { at::removeCallback(handle_); }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  int of(const std::string& name) const { return seen().count[name]; }
  /// Pairs of tensors that _foreach_copy_ was given, and those of them whose strides are not the same.
  std::size_t moved() const { return seen().moved; }
  std::size_t moved_one_by_one() const { return seen().moved_one_by_one; }

 private:
  struct Seen {
    std::map<std::string, int> count;
    std::size_t moved = 0, moved_one_by_one = 0;
  };
  static Seen& seen() {
    static Seen seen;
    return seen;
  }
  static std::unique_ptr<at::ObserverContext> note(const at::RecordFunction& function) {
    ++seen().count[function.name()];
    if (function.name() != std::string("aten::_foreach_copy_")) return nullptr;
    const auto to = function.inputs()[0].toTensorVector(), from = function.inputs()[1].toTensorVector();
    seen().moved += to.size();
    for (std::size_t i = 0; i < to.size(); ++i) seen().moved_one_by_one += to[i].strides() == from[i].strides() ? 0 : 1;
    return nullptr;
  }

  at::CallbackHandle handle_;
};

TEST(GradientOrder, ABucketsGradientsMoveAtOnceAndAreNotAddedUpOneByOne) {
  OneRank rank({1 << 20, 1 << 20});
  SmallNet without;
  const auto additions = [](const auto& step) {
    const Calls calls;
    step();
    EXPECT_GT(calls.of("aten::convolution"), 0) << "calls are counted";
    return std::pair(calls.of("aten::add_"), calls.of("aten::_foreach_copy_"));
  };
  const auto [plain_additions, plain_moves] = additions([&] { loss_of(without).backward(); });
  EXPECT_EQ(additions([&] { rank.step(); }), std::pair(plain_additions, plain_moves + 1));
}

TEST(GradientOrder, StridesOfSingleElementsDoNotKeepGradientsFromMovingAtOnce) {
  at::Tensor square = at::ones({6, 4, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
  at::Tensor pointwise = at::ones({8, 6, 1, 1}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
  FlatParameters flat({{"square", square}, {"pointwise", pointwise}});
  Pretended wire;
  GradientSync sync(flat, {}, wire);
  const at::Tensor images = at::ones({2, 4, 5, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  sync.begin_step();
  const at::Tensor loss = at::conv2d(at::conv2d(images, square), pointwise).sum();
  const Calls calls;
  loss.backward();
  EXPECT_EQ(calls.moved(), 2);
  EXPECT_EQ(calls.moved_one_by_one(), 0);
}

TEST(GradientOrder, GradientThatAutogradReplacedIsSummedAllTheSame) {
  OneRank rank;
  rank.sync.begin_step();
  loss_of(rank.net).backward({}, /*retain_graph=*/true, /*create_graph=*/true);
  rank.sync.finish_step();
  EXPECT_TRUE(rank.flat.gradients().equal(doubled_gradients(rank.flat)));
  EXPECT_EQ(rank.net.stem.grad().const_data_ptr(), rank.stem_gradient());
}

TEST(GradientOrder, BackwardBetweenStepsStaysHere) {
  OneRank rank;
  rank.step();
  const std::size_t sent = rank.wire.events.size();
  loss_of(rank.net).backward();
  EXPECT_EQ(rank.wire.events.size(), sent);
  rank.step();
  EXPECT_TRUE(rank.flat.gradients().equal(doubled_gradients(rank.flat)));
}

TEST(GradientOrder, SecondBackwardInAStepIsAnError) {
  OneRank rank;
  rank.sync.begin_step();
  loss_of(rank.net).backward();
  EXPECT_THROW(loss_of(rank.net).backward(), std::logic_error);
}

TEST(GradientOrder, AccumulationSendsNothingBeforeTheLastBackward) {
  OneRank rank;
  rank.sync.begin_step(3);
  for (int pass = 0; pass < 2; ++pass) {
    loss_of(rank.net).backward();
    EXPECT_TRUE(rank.wire.events.empty());
    EXPECT_EQ(rank.net.stem.grad().const_data_ptr(), rank.stem_gradient()) << "they are not held twice meanwhile";
  }
  loss_of(rank.net).backward();
  EXPECT_FALSE(rank.wire.events.empty()) << "the last one sends while it runs";
  rank.sync.finish_step();
  EXPECT_TRUE(rank.flat.gradients().allclose(doubled_gradients(rank.flat).mul(3), 1e-6));
  EXPECT_THROW(rank.sync.begin_step(0), std::invalid_argument);
}

TEST(GradientOrder, FinishWithoutBeginIsAnError) {
  OneRank rank;
  EXPECT_THROW(rank.sync.finish_step(), std::logic_error);
}

TEST(GradientOrder, NothingIsSentAfterTheEnd) {
  SmallNet net;
  FlatParameters flat(net.parameters());
  Pretended wire;
  { GradientSync(flat, {}, wire).begin_step(); }
  loss_of(net).backward();
  EXPECT_TRUE(wire.events.empty());
}

TEST(GradientOrder, BrokenCollectiveComesOutOfFinishStep) {
  OneRank rank;
  rank.wire.broken = true;
  rank.sync.begin_step();
  loss_of(rank.net).backward();
  EXPECT_THROW(rank.sync.finish_step(), CommError);
  rank.wire.broken = false;
  rank.step();
  EXPECT_TRUE(rank.flat.gradients().equal(doubled_gradients(rank.flat)));
}

TEST(GradientOrder, ExposedTimeIsTheTimeSpentWaiting) {
  OneRank rank;
  rank.wire.delay = std::chrono::milliseconds(300);
  rank.step();
  EXPECT_GE(rank.sync.exposed_seconds(), 0.3);
  rank.step();
  EXPECT_LT(rank.sync.exposed_seconds(), 0.1);
}

TEST(GradientOrder, RefusesEmptyBucketsAndStatisticsThatAreNotFp32) {
  SmallNet net;
  FlatParameters flat(net.parameters());
  Pretended wire;
  EXPECT_THROW(GradientSync(flat, {}, wire, {0, 1}), std::invalid_argument);
  EXPECT_THROW(GradientSync(flat, at::zeros({1}, at::kLong), wire), std::invalid_argument);
}

}  // namespace
}  // namespace penumbra::comm
