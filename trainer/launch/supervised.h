#pragma once

#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace penumbra::trainer {

/// Runs programs one after the other on behalf of a user who signals this process instead: SIGUSR1 and SIGUSR2 are
/// passed on; the first SIGTERM, SIGINT or SIGHUP becomes SIGUSR1, the wish to stop after a checkpoint, the next ones
/// SIGTERM. A program ends when this process does. One at a time in a process, and before other threads are started.
class Supervised {
 public:
  static constexpr int kSignalled = 128, kNotFound = 127;  ///< exit codes, as shells have them

  Supervised();
  ~Supervised();
  Supervised(const Supervised&) = delete;
  Supervised& operator=(const Supervised&) = delete;

  /// Runs `words`, found in PATH, with these variables over the environment, and waits. Its exit code; kSignalled + N
  /// after signal N; kNotFound where it cannot be started.
  int run(const std::vector<std::string>& words, const std::vector<std::pair<std::string, std::string>>& variables);
  /// Waits; earlier when asked to stop.
  void pause(double seconds);
  /// Whether a signal asked for an end.
  bool asked_to_stop() const { return asked_; }

 private:
  void pass_on(int signal, int process);

  sigset_t signals_{}, before_{};
  bool asked_ = false;
};

}  // namespace penumbra::trainer
