#include "trainer/launch/supervised.h"

#include <chrono>
#include <cstdlib>
#include <ctime>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penumbra::trainer {
namespace {

timespec timespec_of(double seconds) {
  timespec time{};
  time.tv_sec = static_cast<time_t>(seconds);
  time.tv_nsec = static_cast<long>((seconds - static_cast<double>(time.tv_sec)) * 1e9);
  return time;
}

}  // namespace

Supervised::Supervised() {
  sigemptyset(&signals_);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    struct sigaction action {};  // nohup and shells ignore some on our behalf; blocked, they would come nevertheless
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&signals_, signal);
  }
  std::signal(SIGCHLD, SIG_DFL);
  sigaddset(&signals_, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

Supervised::~Supervised() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void Supervised::pass_on(int signal, int process) {
  if (signal == SIGUSR1 || signal == SIGUSR2) {
    asked_ = true;
    if (process > 0) ::kill(process, signal);
    return;
  }
  if (process > 0) ::kill(process, asked_ ? SIGTERM : SIGUSR1);
  asked_ = true;
}

int Supervised::run(const std::vector<std::string>& words,
                    const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t self = ::getpid();
  const pid_t process = ::fork();
  if (process == 0) {
    ::setpgid(0, 0);  // the terminal's Ctrl-C comes to the parent alone, which knows what to make of it
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != self) ::_exit(kNotFound);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
    ::execvp(arguments[0], arguments.data());
    ::_exit(kNotFound);
  }
  if (process < 0) return kNotFound;
  while (true) {
    const int signal = ::sigwaitinfo(&signals_, nullptr);
    if (signal > 0 && signal != SIGCHLD) pass_on(signal, process);
    int status = 0;
    const pid_t ended = ::waitpid(process, &status, WNOHANG);
    if (ended < 0) return kNotFound;
    if (ended == process) return WIFSIGNALED(status) ? kSignalled + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

void Supervised::pause(double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (!asked_ && Clock::now() < end) {
    const timespec left = timespec_of(std::chrono::duration<double>(end - Clock::now()).count());
    const int signal = ::sigtimedwait(&signals_, nullptr, &left);
    if (signal > 0 && signal != SIGCHLD) pass_on(signal, 0);
  }
}

}  // namespace penumbra::trainer
