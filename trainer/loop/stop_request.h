#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <vector>

namespace penumbra::trainer {

struct StopOptions;

/// Whether this rank was asked to stop: by one of the options' signals, with `term` by SIGTERM too - which it holds
/// back for the whole process from its construction on, threads that start later inherit that -, by request(), or by
/// the time. After its destruction these signals do nothing.
class StopRequest {
 public:
  StopRequest(const StopOptions& options, bool term);
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  void request() { requested_ = true; }  ///< any thread
  bool asked();

 private:
  using Clock = std::chrono::system_clock;
  std::vector<int> numbers_;
  std::optional<Clock::time_point> deadline_;
  std::atomic<bool> requested_ = false;
  int signals_ = -1;
  sigset_t before_{};
};

}  // namespace penumbra::trainer
