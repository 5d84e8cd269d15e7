#include "comm/gpu/device_graph.h"

#include <stdexcept>
#include <string>

#include <dlfcn.h>

#include "comm/gpu/cuda_module.h"

namespace penumbra::comm {

std::unique_ptr<DeviceGraph> make_cuda_graph() {
  void* module = dlopen(kCudaModule, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) throw std::runtime_error(std::string("this build has no CUDA graphs: ") + dlerror());
  void* function = dlsym(module, kNewCudaGraph);
  if (function == nullptr) throw std::runtime_error(std::string(kCudaModule) + " is of another build");
  return std::unique_ptr<DeviceGraph>(reinterpret_cast<NewCudaGraph>(function)());
}

}  // namespace penumbra::comm
