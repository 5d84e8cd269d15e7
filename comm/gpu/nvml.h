#pragma once

#include <optional>
#include <string>

namespace penumbra::comm {

/// What a card says of itself.
struct GpuFigures {
  double utilization = 0;   ///< share of the last sample period in which a kernel ran
  double memory_bytes = 0;  ///< used by all processes
  double power_watts = 0;
  double temperature_celsius = 0;
};

/// NVIDIA's management library, where there is one, for one card. One thread at a time.
class Nvml {
 public:
  /// `uuid`: of Gpu, 32 hexadecimal digits.
  explicit Nvml(const std::string& uuid);
  /// None where the library or the card is not there, or does not answer.
  std::optional<GpuFigures> read();

 private:
  void* library_ = nullptr;  ///< never unloaded
  void* device_ = nullptr;
};

}  // namespace penumbra::comm
