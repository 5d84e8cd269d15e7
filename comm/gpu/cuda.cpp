#include "comm/gpu/cuda.h"

#include <array>
#include <cstddef>
#include <mutex>
#include <stdexcept>

#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>

#include "comm/gpu/gpu_files.h"

namespace penumbra::comm {
namespace {

constexpr int kNeededDriver = 13000;  ///< of LibTorch 2.11.0+cu130

std::string hexadecimal(const std::array<unsigned char, 16>& bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

/// The functions of the driver's interface that are used, by their names in cuda.h.
class Driver {
 public:
  Driver() : library_(dlopen(kCudaDriver, RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) throw std::runtime_error("no NVIDIA driver: libcuda.so.1 is not there");
  }

  int version() {
    int version = 0;
    call<int*>("cuDriverGetVersion", &version);
    return version;
  }

  std::vector<Gpu> gpus() {
    call<unsigned>("cuInit", 0U);
    int count = 0;
    call<int*>("cuDeviceGetCount", &count);
    std::vector<Gpu> out;
    for (int index = 0; index < count; ++index) out.push_back(gpu(index));
    return out;
  }

 private:
  Gpu gpu(int index) {
    int device = 0;
    call<int*, int>("cuDeviceGet", &device, index);
    std::array<char, 256> name{};
    call<char*, int, int>("cuDeviceGetName", name.data(), static_cast<int>(name.size()), device);
    std::array<unsigned char, 16> uuid{};
    call<unsigned char*, int>("cuDeviceGetUuid_v2", uuid.data(), device);
    std::size_t bytes = 0;
    call<std::size_t*, int>("cuDeviceTotalMem_v2", &bytes, device);
    return {name.data(), hexadecimal(uuid), static_cast<std::int64_t>(bytes)};
  }

  template <typename... A>
  void call(const char* name, A... arguments) {
    void* symbol = dlsym(library_, name);
    if (symbol == nullptr) throw std::runtime_error(std::string("the NVIDIA driver is too old: it has no ") + name);
    const int code = reinterpret_cast<int (*)(A...)>(symbol)(arguments...);
    if (code != 0) {
      throw std::runtime_error(std::string("the NVIDIA driver fails: ") + name + " gives error " +
                               std::to_string(code));
    }
  }

  void* library_;
};

CudaDriver ask() {
  CudaDriver found;
  try {
    Driver driver;
    found.version = driver.version();
    found.gpus = driver.gpus();
    if (found.gpus.empty()) found.problem = "the NVIDIA driver shows no GPU: see CUDA_VISIBLE_DEVICES";
  } catch (const std::runtime_error& error) {
    found.problem = error.what();
  }
  return found;
}

void load() {
  const CudaDriver& driver = cuda_driver();
  if (!driver.problem.empty()) throw std::runtime_error(driver.problem);
  if (driver.version < kNeededDriver) {
    throw std::runtime_error("the NVIDIA driver knows CUDA " + cuda_version(driver.version) +
                             ", LibTorch 2.11.0 needs 13.0: install driver 580 or later");
  }
  const std::string problem = torch_cuda_load_problem();
  if (!problem.empty()) throw std::runtime_error(problem);
  if (!c10::impl::hasDeviceGuardImpl(c10::DeviceType::CUDA)) {
    throw std::runtime_error("libtorch_cuda.so was loaded but offers no CUDA: is it another LibTorch's?");
  }
}

}  // namespace

std::string cuda_version(int code) { return std::to_string(code / 1000) + "." + std::to_string(code % 1000 / 10); }

const CudaDriver& cuda_driver() {
  static const CudaDriver driver = ask();
  return driver;
}

void load_torch_cuda() {
  static std::once_flag once;
  std::call_once(once, load);
}

}  // namespace penumbra::comm
