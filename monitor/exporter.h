#pragma once

#include <memory>
#include <string>

#include "monitor/run_table.h"

namespace penumbra::monitor {

struct ExporterOptions {
  std::string address = "127.0.0.1:0";  ///< HOST:PORT; port 0: any free one
  std::string token;                    ///< not empty: the password of user "penumbra" (basic authentication)
};

/// Serves /metrics to Prometheus, in plain text: what the table shows at that moment.
class Exporter {
 public:
  /// `table` must outlive it. Throws std::runtime_error where the address cannot be had.
  Exporter(const ExporterOptions& options, RunTable& table);
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  /// With the port that it has got.
  std::string address() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penumbra::monitor
