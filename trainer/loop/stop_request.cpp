#include "trainer/loop/stop_request.h"

#include <algorithm>
#include <cstdlib>

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "trainer/config.h"
#include "trainer/launch/variables.h"
#include "trainer/loop/stop_options.h"

namespace penumbra::trainer {

StopRequest::StopRequest(const StopOptions& options, bool term) {
  for (const std::string& name : options.signals) numbers_.push_back(signals_by_name().at(name));
  if (term) numbers_.push_back(SIGTERM);
  if (std::getenv(kLaunchId) != nullptr) numbers_.push_back(SIGUSR1);  // how `penumbra launch` asks
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : numbers_) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, &before_);
  signals_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  const auto by = [&](Clock::time_point when) { deadline_ = deadline_ ? std::min(*deadline_, when) : when; };
  const auto seconds = [](double count) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
  };
  if (options.after_minutes > 0) by(Clock::now() + seconds(60 * options.after_minutes));
  if (const char* end = std::getenv("SLURM_JOB_END_TIME")) {
    by(Clock::from_time_t(std::atoll(end)) - seconds(options.before_end_seconds));
  }
}

/// The run is over, whoever ended it: another rank's signal, or this one's, may still be on its way, and what is let
/// through now would end the process with another code than the run's. Ignoring a signal drops what is pending of it.
StopRequest::~StopRequest() {
  for (const int signal : numbers_) std::signal(signal, SIG_IGN);
  ::close(signals_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool StopRequest::asked() {
  signalfd_siginfo seen{};
  if (::read(signals_, &seen, sizeof(seen)) == static_cast<ssize_t>(sizeof(seen))) requested_ = true;
  return requested_ || (deadline_ && Clock::now() >= *deadline_);
}

}  // namespace penumbra::trainer
