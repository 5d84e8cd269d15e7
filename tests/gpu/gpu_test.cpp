// What only a GPU can show of comm/gpu. Not one of ctest's tests: tests/gpu/run calls it where there is one.
#include <cstdint>
#include <memory>
#include <stdexcept>

#include <ATen/ATen.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gtest/gtest.h>

#include "comm/gpu/cuda.h"
#include "comm/gpu/device_graph.h"
#include "comm/gpu/nccl_collective.h"

namespace penumbra::comm {
namespace {

const at::Device kCard(at::kCUDA, 0);

at::TensorOptions on_card(at::ScalarType type = at::kFloat) { return at::TensorOptions(type).device(kCard); }

void synchronize() { c10::impl::VirtualGuardImpl(at::kCUDA).synchronizeDevice(0); }

class OnCard : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    load_torch_cuda();
    const c10::impl::VirtualGuardImpl cuda(at::kCUDA);
    cuda.setDevice(kCard);
    cuda.exchangeStream(cuda.getStreamFromGlobalPool(kCard));
  }
};

/// NCCL itself, one rank.
class OneRank : public OnCard {
 protected:
  OneRank() {
    NcclApi nccl = load_nccl();
    NcclUniqueId id;
    if (nccl.get_unique_id(&id) != NcclResult::success) throw std::runtime_error("ncclGetUniqueId fails");
    const NcclCollective::Place place{0, 1, kCard};
    collective_ = std::make_unique<NcclCollective>(std::move(nccl), id, place, recorder_,
                                                   [](const std::string& error) { ADD_FAILURE() << error; });
  }

  FlightRecorder recorder_;
  std::unique_ptr<NcclCollective> collective_;
};

TEST_F(OneRank, EveryCollectiveLeavesWhatOneRankHas) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong, at::kByte}) {
    for (const std::int64_t size : {0, 1, 1001, 6'553'600}) {
      const at::Tensor before = at::arange(size, on_card(at::kLong)).remainder(251).to(type);
      const at::Tensor tensor = before.clone();
      collective_->all_reduce_sum(tensor, Wire::exact).wait();
      collective_->reduce_scatter_sum(tensor, Wire::exact).wait();
      collective_->all_gather(tensor).wait();
      collective_->broadcast(tensor, 0).wait();
      EXPECT_TRUE(at::equal(tensor, before)) << c10::toString(type) << " x " << size;
    }
  }
}

TEST_F(OneRank, TheBf16WireRoundsOnce) {
  const at::Tensor exact = at::linspace(-3, 3, 1001, on_card()), rounded = exact.to(at::kBFloat16).to(at::kFloat);
  const at::Tensor reduced = exact.clone(), scattered = exact.clone();
  collective_->all_reduce_sum(reduced, Wire::bf16).wait();
  collective_->reduce_scatter_sum(scattered, Wire::bf16).wait();
  EXPECT_TRUE(at::equal(reduced, rounded));
  EXPECT_TRUE(at::equal(scattered, rounded));
}

TEST_F(OneRank, ARegisteredBufferTravelsAsAnyOther) {
  const at::Tensor tensor = at::ones({1 << 20}, on_card());
  const std::shared_ptr<void> registered = collective_->register_buffer(tensor);
  EXPECT_NE(registered, nullptr);
  collective_->all_reduce_sum(tensor.narrow(0, 100, 1000), Wire::exact).wait();
  EXPECT_TRUE(tensor.eq(1).all().item<bool>());
}

TEST_F(OneRank, ARecordedCollectiveRunsWithEachLaunchAndIsOneEntryOfTheFlightRecord) {
  std::unique_ptr<DeviceGraph> graph = make_cuda_graph();
  const at::Tensor tensor = at::zeros({1001}, on_card());
  collective_->all_reduce_sum(tensor, Wire::exact).wait();
  collective_->record([&] {
    graph->record([&] {
      tensor.add_(1);
      collective_->all_reduce_sum(tensor, Wire::exact).wait();
      collective_->reduce_scatter_sum(tensor, Wire::bf16).wait();
    });
  });
  EXPECT_TRUE(tensor.eq(0).all().item<bool>()) << "recording carries nothing out";
  for (int launch = 0; launch < 3; ++launch) collective_->replay([&] { graph->launch(); });
  EXPECT_TRUE(tensor.eq(3).all().item<bool>());
  graph.reset();
  collective_.reset();
  const std::vector<FlightEntry> entries = recorder_.entries();
  ASSERT_EQ(entries.size(), 4U);
  for (std::size_t i = 1; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].name, "recorded step");
    EXPECT_GE(entries[i].ended, entries[i].started);
  }
}

using CudaGraph = OnCard;

TEST_F(CudaGraph, ReadsWhatLiesThereWhenItIsLaunched) {
  const std::unique_ptr<DeviceGraph> graph = make_cuda_graph();
  const at::Tensor x = at::ones({10}, on_card());
  at::Tensor y;
  graph->record([&] { y = 2 * x; });
  for (const double value : {1.0, 5.0}) {
    x.fill_(value);
    graph->launch();
    EXPECT_TRUE(y.eq(2 * value).all().item<bool>());
  }
}

TEST_F(CudaGraph, RecordsABackwardPassOfAutogradsOwnThread) {
  const at::Tensor w = at::ones({10}, on_card()).requires_grad_(), x = at::ones({10}, on_card());
  const at::Tensor kept = at::zeros_like(x);
  const auto take_gradient = [&] {
    w.mutable_grad() = at::Tensor();
    (w * x).sum().backward();
    kept.copy_(w.grad());
  };
  take_gradient();
  const std::unique_ptr<DeviceGraph> graph = make_cuda_graph();
  graph->record(take_gradient);
  x.fill_(7);
  graph->launch();
  EXPECT_TRUE(kept.eq(7).all().item<bool>());
}

TEST_F(CudaGraph, WhatCannotBeRecordedIsSaidAndTheCardGoesOn) {
  const at::Tensor x = at::ones({10}, on_card());
  EXPECT_THROW(make_cuda_graph()->record([&] { static_cast<void>(x.sum().item<float>()); }), std::exception);
  EXPECT_THROW(make_cuda_graph()->record([] { throw std::logic_error("of the work itself"); }), std::logic_error);
  x.add_(1);
  synchronize();
  EXPECT_TRUE(x.eq(2).all().item<bool>());
}

}  // namespace
}  // namespace penumbra::comm
