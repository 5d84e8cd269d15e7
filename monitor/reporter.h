#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "monitor/credentials.h"
#include "monitor/sample.h"

namespace penumbra::monitor {

struct ReporterOptions {
  std::string address;  ///< HOST:PORT of the monitor
  Security security;
  /// Reports that may wait; then the oldest is dropped. Without a connection each is, and only the last value of every
  /// series is sent once there is one.
  std::size_t queue = 64;
  double heartbeat_seconds = 2;  ///< without a report for so long one of its own says that the rank lives
};

/// Sends a rank's values to a monitor on a thread of its own. The training never waits for it and never fails by it: a
/// monitor that is slow, gone or never was there costs dropped reports, which are counted.
class Reporter {
 public:
  using OnOrder = std::function<void(Order)>;           ///< called on a thread of the reporter
  using Sampler = std::function<std::vector<Value>()>;  ///< the same: values that need no training thread

  /// `sample` is called once a heartbeat's time. Throws std::runtime_error for files of `security` that cannot be read.
  Reporter(Member self, ReporterOptions options, OnOrder on_order, Sampler sample = nullptr);
  /// Says goodbye as failed unless finish() was called; waits for that a second at most.
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// Any thread; takes microseconds.
  void push(std::vector<Value> values);
  /// What to say at the end.
  void finish(Outcome outcome);
  /// Says it now, within a second at most; what is pushed later is not sent. Any thread.
  void end(Outcome outcome);

  std::uint64_t dropped() const;
  double cpu_seconds() const;  ///< of the sending thread

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penumbra::monitor
