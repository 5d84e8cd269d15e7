#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace penumbra::monitor {

/// Whether `condition` becomes true within `seconds`.
inline bool eventually(const std::function<bool()>& condition, double seconds = 10) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace penumbra::monitor
