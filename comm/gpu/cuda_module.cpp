#include "comm/gpu/cuda_module.h"

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>

namespace penumbra::comm {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

class CudaGraph : public DeviceGraph {
 public:
  void record(const std::function<void()>& work) override {
    c10::cuda::device_synchronize();
    allocator::emptyCache();  // what was kept for the streams is not for the graph's own pool
    // Of this thread alone: other threads may go on to allocate and to copy.
    graph_.capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
    try {
      work();
      graph_.capture_end();
    } catch (...) {
      give_up();
      throw;
    }
  }

  void launch() override { graph_.replay(); }

 private:
  /// The stream leaves the capture, and what was allocated in it goes: a capture_end() that fails does not see to that.
  void give_up() {
    const auto attempt = [](const auto& call) {
      try {
        call();
      } catch (const std::exception&) {
        cudaGetLastError();  // it has been said already
      }
    };
    attempt([&] { graph_.capture_end(); });
    attempt([&] {
      allocator::endAllocateToPool(c10::cuda::current_device(), pool_);
      allocator::releasePool(c10::cuda::current_device(), pool_);
    });
    attempt([&] {
      at::getHostAllocator(at::kCUDA)->end_allocate_to_pool(pool_);
      at::getHostAllocator(at::kCUDA)->release_pool(pool_);
    });
  }

  const at::cuda::MempoolId_t pool_ = at::cuda::graph_pool_handle();
  at::cuda::CUDAGraph graph_;
};

}  // namespace
}  // namespace penumbra::comm

extern "C" penumbra::comm::DeviceGraph* penumbra_new_cuda_graph() { return new penumbra::comm::CudaGraph; }
