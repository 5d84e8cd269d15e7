#include "comm/gpu/nvml.h"

#include <dlfcn.h>

namespace penumbra::comm {
namespace {

// Types of nvml.h, whose layout the library keeps.
struct Utilization {
  unsigned gpu, memory;  // percent
};
struct Memory {
  unsigned long long total, free, used;  // bytes
};
constexpr int kCoreSensor = 0;

/// "GPU-01234567-89ab-cdef-0123-456789abcdef"
std::string card_name(const std::string& uuid) {
  std::string name = "GPU-";
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) name += '-';
    name += uuid[i];
  }
  return name;
}

/// False where the function is not there or fails.
template <typename... A>
bool call(void* library, const char* name, A... arguments) {
  void* symbol = dlsym(library, name);
  return symbol != nullptr && reinterpret_cast<int (*)(A...)>(symbol)(arguments...) == 0;
}

}  // namespace

Nvml::Nvml(const std::string& uuid) : library_(dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
  if (library_ == nullptr || !call<>(library_, "nvmlInit_v2")) return;
  const std::string name = card_name(uuid);
  if (!call<const char*, void**>(library_, "nvmlDeviceGetHandleByUUID", name.c_str(), &device_)) device_ = nullptr;
}

std::optional<GpuFigures> Nvml::read() {
  if (device_ == nullptr) return std::nullopt;
  Utilization utilization{};
  Memory memory{};
  unsigned milliwatts = 0, celsius = 0;
  const bool answers =
      call<void*, Utilization*>(library_, "nvmlDeviceGetUtilizationRates", device_, &utilization) &&
      call<void*, Memory*>(library_, "nvmlDeviceGetMemoryInfo", device_, &memory) &&
      call<void*, unsigned*>(library_, "nvmlDeviceGetPowerUsage", device_, &milliwatts) &&
      call<void*, int, unsigned*>(library_, "nvmlDeviceGetTemperature", device_, kCoreSensor, &celsius);
  if (!answers) return std::nullopt;
  return GpuFigures{utilization.gpu / 100.0, static_cast<double>(memory.used), milliwatts / 1e3,
                    static_cast<double>(celsius)};
}

}  // namespace penumbra::comm
