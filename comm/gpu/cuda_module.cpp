#include "comm/gpu/cuda_module.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>

namespace penumbra::comm {
namespace {

class CudaGraph : public DeviceGraph {
 public:
  void record(const std::function<void()>& work) override {
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();  // what was kept for the streams is not for the graph's own pool
    // Of this thread alone: other threads may go on to allocate and to copy.
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      end_after_failure();
      throw;
    }
    graph_.capture_end();
  }

  void launch() override { graph_.replay(); }

 private:
  /// The stream must not stay in capture; that the capture is of no use is known.
  void end_after_failure() {
    try {
      graph_.capture_end();
    } catch (const std::exception&) {
      cudaGetLastError();
    }
  }

  at::cuda::CUDAGraph graph_;
};

}  // namespace
}  // namespace penumbra::comm

extern "C" penumbra::comm::DeviceGraph* penumbra_new_cuda_graph() { return new penumbra::comm::CudaGraph; }
