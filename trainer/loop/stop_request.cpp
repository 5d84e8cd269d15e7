#include "trainer/loop/stop_request.h"

#include <algorithm>
#include <cstdlib>

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace penumbra::trainer {

StopRequest::StopRequest(const StopOptions& options, bool term) : term_(term) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  if (term) sigaddset(&signals, SIGTERM);
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
  for (const int signal : {SIGUSR1, SIGUSR2}) std::signal(signal, SIG_IGN);
  if (term_) std::signal(SIGTERM, SIG_IGN);
  ::close(signals_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool StopRequest::asked() {
  signalfd_siginfo seen{};
  if (::read(signals_, &seen, sizeof(seen)) == static_cast<ssize_t>(sizeof(seen))) requested_ = true;
  return requested_ || (deadline_ && Clock::now() >= *deadline_);
}

}  // namespace penumbra::trainer
