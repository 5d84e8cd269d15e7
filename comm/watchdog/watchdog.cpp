#include "comm/watchdog/watchdog.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iterator>
#include <optional>
#include <random>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "comm/error.h"
#include "comm/watchdog/line_socket.h"

namespace penumbra::comm {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::chrono::milliseconds kConnectTimeout{2000};
constexpr Seconds kTermPatience{1};  ///< how long SIGTERM waits for a verdict

double seconds_since(Clock::time_point start) { return Seconds(Clock::now() - start).count(); }

std::string random_token() {
  std::random_device random;
  std::ostringstream token;
  for (int i = 0; i < 4; ++i) token << std::hex << random();
  return token.str();
}

/// The words of a line.
std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

/// A member as another one hears of it.
struct Peer {
  std::optional<LineSocket> socket;
  std::string host = "an unknown host";
  Progress progress;
  Clock::time_point heard = Clock::now();
  bool left = false;  ///< said goodbye
};

std::string beat(const Progress& progress) {
  return "beat " + std::to_string(progress.entered) + " " + std::to_string(progress.ended) + " " + progress.phase;
}

/// Nothing unless the line is a heartbeat.
std::optional<Progress> progress_of(const std::string& line) {
  std::istringstream in(line);
  std::string word;
  Progress progress;
  if (!(in >> word) || word != "beat" || !(in >> progress.entered >> progress.ended >> progress.phase))
    return std::nullopt;
  return progress;
}

std::string text_of(const Verdict& verdict) {
  return "verdict " + std::to_string(verdict.rank) + " " + verdict.host + " " + verdict.reason;
}

std::optional<Verdict> verdict_of(const std::string& line) {
  std::istringstream in(line);
  std::string word;
  Verdict verdict;
  if (!(in >> word) || word != "verdict" || !(in >> verdict.rank >> verdict.host)) return std::nullopt;
  std::getline(in >> std::ws, verdict.reason);
  return verdict;
}

std::string silence(double seconds) {
  return "no sign of life for " + std::to_string(static_cast<int>(seconds)) +
         " s: it is stopped, or its host or link is down";
}

sigset_t only_sigterm() {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  return term;
}

/// Descriptors that the watchdog's thread waits on, besides its connections.
class Wakers {
 public:
  Wakers() : stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    const sigset_t term = only_sigterm();
    pthread_sigmask(SIG_BLOCK, &term, &before_);
    term_ = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Wakers() {
    take_term();  // one that nobody has to hear any more would end the process when it is let through
    ::close(stop_);
    ::close(term_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  Wakers(const Wakers&) = delete;
  Wakers& operator=(const Wakers&) = delete;

  int stop() const { return stop_; }
  int term() const { return term_; }
  /// True where SIGTERM has come since the last call.
  bool take_term() const {
    signalfd_siginfo seen{};
    return ::read(term_, &seen, sizeof(seen)) == static_cast<ssize_t>(sizeof(seen));
  }
  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof(one));
  }
  /// Ends the process as SIGTERM does where nobody watches.
  static void die_of_term() {
    std::signal(SIGTERM, SIG_DFL);
    const sigset_t term = only_sigterm();
    std::raise(SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &term, nullptr);
  }

 private:
  int stop_ = -1, term_ = -1;
  sigset_t before_{};
};

}  // namespace

struct Watchdog::Impl {
  Impl(Member who, WatchdogOptions how, const FlightRecorder& record, OnFailure act, OnTerm stop)
      : self(std::move(who)),
        options(how),
        recorder(record),
        on_failure(std::move(act)),
        on_term(std::move(stop)),
        peers(self.rank == 0 ? static_cast<std::size_t>(self.size) : 1) {}

  bool is_hub() const { return self.rank == 0; }
  double beat_seconds() const { return std::min(1.0, options.silence_seconds / 8); }
  void connect(const Broadcast& broadcast);
  void reach_hub(const std::vector<std::string>& hub);
  void run();
  void wait();
  void forgive_own_sleep();
  void greet();
  void listen_to_peers();
  void hear(int rank, const std::string& line);
  void pass_on_term();
  void judge();
  void judge_stall();
  void decide(Verdict verdict);

  const Member self;
  const WatchdogOptions options;
  const FlightRecorder& recorder;
  const OnFailure on_failure;
  OnTerm on_term;  ///< null once it was called
  const Wakers wakers;
  std::string token;
  std::optional<LineListener> listener;
  std::vector<LineSocket> strangers;  ///< connected, but have not said who they are
  std::vector<Peer> peers;            ///< of rank 0: all ranks, itself unused; of another rank: rank 0 alone
  Clock::time_point last_beat{}, last_end = Clock::now(), last_turn = Clock::now();
  std::uint64_t job_ended = 0;  ///< rank 0: the collective that all ranks have ended
  std::optional<Clock::time_point> term;
  std::optional<Verdict> verdict;
  bool stopping = false;
  std::jthread thread;
};

void Watchdog::Impl::pass_on_term() {
  if (!on_term) return Wakers::die_of_term();
  std::exchange(on_term, nullptr)();
  term.reset();
}

void Watchdog::Impl::connect(const Broadcast& broadcast) {
  std::string address;
  if (is_hub()) {
    listener.emplace();
    token = random_token();
    address = token + " " + self.host + " " + std::to_string(listener->port());
    for (const std::string& own : own_addresses()) address += " " + own;
  }
  const std::vector<std::string> hub = words_of(broadcast(address));
  if (!is_hub()) reach_hub(hub);
}

/// `hub`: token, host, port, addresses.
void Watchdog::Impl::reach_hub(const std::vector<std::string>& hub) {
  Peer& rank0 = peers[0];
  token = hub.at(0);
  rank0.host = hub.at(1);
  for (std::size_t i = 3; i < hub.size(); ++i) {
    if (hub[i].starts_with("127.") && rank0.host != self.host) continue;
    rank0.socket = LineSocket::connect(hub[i], static_cast<std::uint16_t>(std::stoi(hub[2])), kConnectTimeout);
    if (!rank0.socket) continue;
    rank0.socket->send("hello " + token + " " + std::to_string(self.rank) + " " + self.host);
    return;
  }
  throw CommError("rank " + std::to_string(self.rank) + " on " + self.host + " cannot reach rank 0 on " + rank0.host +
                  " for heartbeats: let TCP connections between the hosts of the job pass");
}

void Watchdog::Impl::run() {
  pthread_setname_np(pthread_self(), "penumbra-watch");
  while (!stopping && !verdict) {
    wait();
    forgive_own_sleep();
    greet();
    listen_to_peers();
    if (seconds_since(last_beat) >= beat_seconds()) {
      last_beat = Clock::now();
      for (Peer& peer : peers) {
        if (peer.socket && !peer.left) peer.socket->send(beat(recorder.progress()));
      }
    }
    judge();
    if (term && !verdict && Clock::now() - *term > kTermPatience) pass_on_term();
  }
  for (Peer& peer : peers) {
    if (peer.socket && !verdict) peer.socket->send("bye");
  }
  if (verdict) on_failure(*verdict);
}

/// Until something comes, or it is time for a heartbeat.
void Watchdog::Impl::wait() {
  std::vector<pollfd> wanted = {{wakers.stop(), POLLIN, 0}};
  if (!term) wanted.push_back({wakers.term(), POLLIN, 0});
  if (listener) wanted.push_back({listener->descriptor(), POLLIN, 0});
  for (const LineSocket& stranger : strangers) wanted.push_back({stranger.descriptor(), POLLIN, 0});
  for (const Peer& peer : peers) {
    if (peer.socket) wanted.push_back({peer.socket->descriptor(), POLLIN, 0});
  }
  ::poll(wanted.data(), wanted.size(), static_cast<int>(1000 * beat_seconds() / 2) + 1);
  stopping = (wanted[0].revents & POLLIN) != 0;
  if (!term && wakers.take_term()) term = Clock::now();
}

/// A job that was suspended and goes on has heard of nobody meanwhile, and nobody is to blame for that.
void Watchdog::Impl::forgive_own_sleep() {
  if (seconds_since(last_turn) > options.silence_seconds / 2) {
    for (Peer& peer : peers) peer.heard = Clock::now();
    last_end = Clock::now();
  }
  last_turn = Clock::now();
}

/// Rank 0: strangers who know the token become peers.
void Watchdog::Impl::greet() {
  if (!listener) return;
  while (auto stranger = listener->accept()) strangers.push_back(std::move(*stranger));
  std::vector<LineSocket> waiting;
  for (LineSocket& stranger : strangers) {
    const auto lines = stranger.receive();
    if (!lines) continue;
    if (lines->empty()) {
      waiting.push_back(std::move(stranger));
      continue;
    }
    const std::vector<std::string> words = words_of(lines->front());
    if (words.size() != 4 || words[0] != "hello" || words[1] != token) continue;
    const auto rank = static_cast<std::size_t>(std::stoi(words[2]));
    if (rank == 0 || rank >= peers.size()) continue;
    peers[rank].socket = std::move(stranger);
    peers[rank].host = words[3];
    peers[rank].heard = Clock::now();
    for (std::size_t i = 1; i < lines->size(); ++i) hear(static_cast<int>(rank), (*lines)[i]);
  }
  strangers = std::move(waiting);
}

void Watchdog::Impl::listen_to_peers() {
  for (std::size_t i = 0; i < peers.size(); ++i) {
    Peer& peer = peers[i];
    if (!peer.socket) continue;
    const auto lines = peer.socket->receive();
    if (!lines) {
      peer.socket.reset();
      if (!peer.left) decide({static_cast<int>(i), peer.host, "its process has ended"});
      continue;
    }
    if (!lines->empty()) peer.heard = Clock::now();
    for (const std::string& line : *lines) hear(static_cast<int>(i), line);
  }
}

void Watchdog::Impl::hear(int rank, const std::string& line) {
  Peer& peer = peers[static_cast<std::size_t>(rank)];
  if (auto progress = progress_of(line)) peer.progress = std::move(*progress);
  if (line == "bye") peer.left = true;
  if (const auto told = verdict_of(line); told && !is_hub()) decide(*told);
}

void Watchdog::Impl::judge() {
  for (std::size_t i = is_hub() ? 1 : 0; i < peers.size(); ++i) {
    const Peer& peer = peers[i];
    const double quiet = seconds_since(peer.heard);
    if (!peer.left && quiet > options.silence_seconds) decide({static_cast<int>(i), peer.host, silence(quiet)});
  }
  if (is_hub()) judge_stall();
}

/// Rank 0: everybody lives, but a collective does not end. The one to blame has not entered it.
void Watchdog::Impl::judge_stall() {
  Progress least = recorder.progress();
  int last = 0;
  std::uint64_t entered = least.entered, ended = least.ended;
  for (std::size_t i = 1; i < peers.size(); ++i) {
    const Progress& progress = peers[i].progress;
    entered = std::max(entered, progress.entered);
    ended = std::min(ended, progress.ended);
    if (progress.entered < least.entered) {
      least = progress;
      last = static_cast<int>(i);
    }
  }
  if (ended > job_ended || entered == ended) last_end = Clock::now();
  job_ended = std::max(job_ended, ended);
  const double limit = least.phase == "training" ? options.training_stall_seconds : options.other_stall_seconds;
  if (seconds_since(last_end) < limit) return;
  const std::string host = last == 0 ? self.host : peers[static_cast<std::size_t>(last)].host;
  const std::string where = "collective " + std::to_string(ended + 1) + " (phase " + least.phase +
                            ") has not ended for " + std::to_string(static_cast<int>(limit)) + " s";
  decide({last, host,
          where + (least.entered <= ended ? ", this rank has not entered it" : ", though every rank has entered it")});
}

void Watchdog::Impl::decide(Verdict found) {
  if (verdict) return;
  verdict = std::move(found);
  if (!is_hub()) return;
  for (Peer& peer : peers) {
    if (peer.socket) peer.socket->send(text_of(*verdict));
  }
}

Watchdog::Watchdog(Member self, WatchdogOptions options, const FlightRecorder& recorder, const Broadcast& broadcast,
                   OnFailure on_failure, OnTerm on_term) {
  if (self.size == 1) return;
  impl_ = std::make_unique<Impl>(std::move(self), options, recorder, std::move(on_failure), std::move(on_term));
  impl_->connect(broadcast);
  impl_->thread = std::jthread([impl = impl_.get()] { impl->run(); });
}

Watchdog::~Watchdog() {
  if (!impl_) return;
  impl_->wakers.wake();
  impl_->thread.join();
}

std::string describe(const Verdict& verdict) {
  return "rank " + std::to_string(verdict.rank) + " on " + verdict.host + ": " + verdict.reason;
}

}  // namespace penumbra::comm
