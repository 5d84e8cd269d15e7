#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "monitor/credentials.h"
#include "monitor/sample.h"

namespace penumbra::monitor {

/// Asks a monitor. Every call throws std::runtime_error with one line - who does not answer, or what it refuses.
class Client {
 public:
  Client(std::string address, const Security& security);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// All runs, or the one of that name.
  std::vector<RunView> list(const std::string& run);
  /// Calls `show` with the list again and again, until it returns false.
  void watch(const std::string& run, double every_seconds, const std::function<bool(std::vector<RunView>)>& show);
  /// Returns the rank that took the order.
  int order(const std::string& run, Order order);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penumbra::monitor
