#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "comm/world.h"
#include "monitor/event_file.h"
#include "monitor/reporter.h"
#include "monitor/server.h"
#include "trainer/checkpoint/start.h"
#include "trainer/config.h"
#include "trainer/evaluation/measures.h"
#include "trainer/loop/report.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {

/// How the last checkpoint went.
struct CheckpointReport {
  bool kept = false;  ///< false: abandoned
  double bytes = 0, write_seconds = 0, stall_seconds = 0;
};

/// What the banks hold after an epoch.
struct BankReport {
  double uncertainty = 0, disagreement = 0;  ///< means of u and n
};

/// A run as monitors see it: a reporter on each rank and, where the configuration says so, the monitor itself and an
/// event file for TensorBoard on rank 0. Nothing in it delays the training or makes it fail.
class Telemetry {
 public:
  /// All ranks call. `on_stop` is called on another thread when a user asks the run to stop. Rank 0 writes
  /// RUN.monitor.json, from which Prometheus and `penumbra watch` learn where the monitor is. Throws ConfigError
  /// where an address or its safety is wrong.
  Telemetry(const Config& config, comm::World& world, const Start& start, const std::string& device,
            const std::vector<std::string>& classes, const RunFolder& folder, std::function<void()> on_stop);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  /// This rank's report; `steps`: taken since the run began.
  void report(const IntervalReport& report, std::int64_t steps, double eta_seconds);
  // Of the run as a whole, on rank 0; the others' are ignored.
  void validation(const Measures& measures, double temperature, BankReport bank);
  void checkpoint(const CheckpointReport& checkpoint);
  /// Says how the run has ended, within a second; without it, it has failed. Any thread.
  void close(monitor::Outcome outcome);
  void step_done() { ++taken_; }

  /// Whether a user has asked for a checkpoint since the last call.
  bool take_checkpoint_order() { return checkpoint_ordered_.exchange(false); }

 private:
  std::string serve(comm::World& world, const RunFolder& folder);
  void begin(const monitor::Member& self, const Start& start);
  /// To the monitor and, on rank 0, into TensorBoard's file.
  void send(std::vector<monitor::Value> values);
  bool is_of_use() const { return reporter_ || events_; }
  void connect(comm::World& world, const Start& start, const std::string& device, const RunFolder& folder,
               const std::function<void()>& on_stop);
  void add_faces(std::vector<monitor::Value>& out, const std::string& space, const SpaceReport& report);

  const Config& config_;
  const int rank_;
  std::filesystem::path announcement_;  ///< removed at the end
  std::atomic<bool> checkpoint_ordered_ = false;
  double images_ = 0, checkpoints_ = 0, failed_checkpoints_ = 0, non_finite_ = 0;
  std::map<std::string, monitor::Value> histograms_;  ///< of uncertainty by space, since this start
  const std::vector<std::string> classes_;
  std::int64_t steps_ = 0;               ///< as last reported
  std::atomic<std::int64_t> taken_ = 0;  ///< steps of this start
  std::unique_ptr<monitor::EventFile> events_;
  std::unique_ptr<monitor::Server> server_;
  std::unique_ptr<monitor::Reporter> reporter_;
};

}  // namespace penumbra::trainer
