#pragma once

#include <functional>
#include <memory>

namespace penumbra::comm {

/// Work of a GPU that is recorded once and can then be launched as a whole: a CUDA graph. Its kernels read and write
/// where they did when they were recorded, and take what the host knew then. One thread at a time.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  /// Runs `work`, which gives work to the calling thread's current stream - not the default one -, and to streams that
  /// wait for it and that it waits for in the end. None of it is carried out. Once; throws what `work` throws, and
  /// c10::Error where something cannot be recorded: there is then nothing to launch, and the device goes on.
  virtual void record(const std::function<void()>& work) = 0;
  /// Hands all that was recorded to the current stream.
  virtual void launch() = 0;
};

/// Throws std::runtime_error where this build has no CUDA module. load_torch_cuda() comes first.
std::unique_ptr<DeviceGraph> make_cuda_graph();

}  // namespace penumbra::comm
