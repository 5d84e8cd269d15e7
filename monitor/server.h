#pragma once

#include <memory>
#include <string>

#include "monitor/credentials.h"
#include "monitor/run_table.h"

namespace penumbra::monitor {

struct ServerOptions {
  std::string listen = "127.0.0.1:0";   ///< HOST:PORT for ranks, watch and ctl; port 0: any free one
  std::string metrics = "127.0.0.1:0";  ///< HOST:PORT for Prometheus; beyond loopback takes `insecure`
  Security security;
  RunTableOptions table;
  double most_reports_per_second = 50;  ///< of a rank; a faster one has to wait
};

/// A monitor: takes reports of any number of runs over gRPC, answers watch and ctl, and serves /metrics. Health and
/// reflection services are on. Its threads end with it.
class Server {
 public:
  /// Throws std::invalid_argument where an address is unsafe (require_safe) or malformed, std::runtime_error where it
  /// cannot be had.
  explicit Server(const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string address() const;  ///< for gRPC, with the port that it has got
  std::string metrics_address() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penumbra::monitor
