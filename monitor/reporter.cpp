#include "monitor/reporter.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include "monitor/connection.h"
#include "monitor/proto/monitor.grpc.pb.h"
#include "monitor/wire.h"

namespace penumbra::monitor {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds kLook{0.05};  ///< between two looks at the queue
constexpr Seconds kShortestPause{0.2}, kLongestPause{10}, kEndPatience{1};

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

v1::RankReport report_of(const std::vector<Value>& values, std::uint64_t dropped) {
  v1::RankReport report;
  report.mutable_update()->set_dropped(dropped);
  for (const Value& value : values) *report.mutable_update()->add_values() = to_wire(value);
  return report;
}

}  // namespace

struct Reporter::Impl {
  Impl(Member who, ReporterOptions how, OnOrder order, Sampler sampler)
      : self(std::move(who)),
        options(std::move(how)),
        on_order(std::move(order)),
        sample(std::move(sampler)),
        token(read_token(options.security)),
        stub(v1::Monitor::NewStub(open_channel(options.address, options.security))),
        thread([this] { work(); }) {}

  ~Impl() {
    end();
    thread.join();
  }

  void end() {
    std::unique_lock lock(mutex);
    ending = true;
    wake.notify_all();
    ended.wait_for(lock, kEndPatience, [&] { return done; });
    if (context) context->TryCancel();
  }

  void work() {
    try {
      report_until_the_end();
    } catch (const std::exception& problem) {  // whatever it is, it must not end the training
      spdlog::warn("monitor: reports end here: {}", problem.what());
    }
    const std::lock_guard lock(mutex);
    done = true;
    ended.notify_all();
  }

  void report_until_the_end() {
    for (Seconds pause = kShortestPause;; pause = std::min(2 * pause, kLongestPause)) {
      const auto begin = std::chrono::steady_clock::now();
      const grpc::Status status = converse();
      if (std::chrono::steady_clock::now() - begin > kLongestPause) pause = kShortestPause;
      std::unique_lock lock(mutex);
      if (ending) break;
      complain(status);
      const auto again = std::chrono::steady_clock::now() + pause;
      while (!ending && std::chrono::steady_clock::now() < again) {
        wake.wait_for(lock, kLook, [&] { return ending; });
        keep_waiting();
      }
    }
  }

  /// Without a connection: what waits is never sent as such, but its values are, once there is one. Under the lock.
  void keep_waiting() {
    for (; !queue.empty(); queue.pop_front()) {
      remember(queue.front());
      ++dropped;
    }
  }

  void remember(const std::vector<Value>& values) {
    for (const Value& value : values) latest[{value.metric, value.labels}] = value;
  }

  /// The last value of every series: a monitor that begins to listen would else not learn what is said once.
  v1::RankReport everything() {
    std::vector<Value> values;
    for (const auto& [series, value] : latest) values.push_back(value);
    return report_of(values, dropped);
  }

  /// One connection, from hello until it breaks or the end is said.
  grpc::Status converse() {
    {
      const std::lock_guard lock(mutex);
      context = std::make_unique<grpc::ClientContext>();
    }
    authorise(*context, token);
    const auto stream = stub->Report(context.get());
    v1::RankReport hello;
    *hello.mutable_hello() = to_wire(self);
    bool open = stream->Write(hello) && (latest.empty() || stream->Write(everything()));
    std::thread reader([&] {
      for (v1::Order order; stream->Read(&order);) {
        if (order.kind() != v1::Order::NONE)
          on_order(order.kind() == v1::Order::STOP ? Order::stop : Order::checkpoint);
      }
      const std::lock_guard lock(mutex);
      reader_ended = true;
      wake.notify_all();
    });
    while (open) {
      const std::optional<v1::RankReport> report = next();
      if (!report) break;
      open = stream->Write(*report);
      if (!open) ++dropped;
      cpu = thread_cpu_seconds();
    }
    if (open) {
      v1::RankReport goodbye;
      goodbye.set_outcome(static_cast<v1::Outcome>(outcome.load()));
      if (stream->Write(goodbye)) stream->WritesDone();
    }
    reader.join();
    grpc::Status status = stream->Finish();
    const std::lock_guard lock(mutex);
    reader_ended = false;
    context.reset();
    return status;
  }

  /// The next report, with a sample where the last one is a heartbeat old, or that alone; none when the end has come
  /// and all is sent, or the connection has broken.
  std::optional<v1::RankReport> next() {
    std::unique_lock lock(mutex);
    // push() wakes nobody, which would cost the training thread a system call.
    const auto due = std::chrono::steady_clock::now() + Seconds(options.heartbeat_seconds);
    const auto over = [&] { return ending || reader_ended; };
    while (queue.empty() && !over() && std::chrono::steady_clock::now() < due)
      wake.wait_for(lock, std::min(kLook, Seconds(options.heartbeat_seconds)), over);
    if (reader_ended || (ending && queue.empty())) return std::nullopt;
    std::vector<Value> values;
    if (!queue.empty()) {
      values = std::move(queue.front());
      queue.pop_front();
    }
    lock.unlock();
    add_sample(values);
    remember(values);
    return report_of(values, dropped);
  }

  void add_sample(std::vector<Value>& values) {
    const auto now = std::chrono::steady_clock::now();
    if (now - sampled < Seconds(options.heartbeat_seconds)) return;
    sampled = now;
    if (sample) {
      for (Value& value : sample()) values.push_back(std::move(value));
    }
    values.push_back({Metric::reporter_cpu, {}, cpu});
  }

  /// Once for each kind of problem, and only by rank 0: the others have the same.
  void complain(const grpc::Status& status) {
    if (self.rank != 0 || status.error_code() == complained) return;
    complained = status.error_code();
    spdlog::warn("the monitor at {} does not take reports; training goes on and tries again: {}", options.address,
                 status.ok() ? "it has ended" : status.error_message());
  }

  const Member self;
  const ReporterOptions options;
  const OnOrder on_order;
  const Sampler sample;
  const std::string token;
  std::unique_ptr<v1::Monitor::Stub> stub;

  // Of the thread:
  std::chrono::steady_clock::time_point sampled{};
  std::map<SeriesKey, Value> latest;

  std::mutex mutex;
  std::condition_variable wake, ended;
  std::deque<std::vector<Value>> queue;
  std::unique_ptr<grpc::ClientContext> context;
  bool ending = false, done = false, reader_ended = false;
  std::optional<grpc::StatusCode> complained;
  std::atomic<Outcome> outcome = Outcome::failed;
  std::atomic<std::uint64_t> dropped = 0;
  std::atomic<double> cpu = 0;
  std::thread thread;  ///< last: it uses all of the above
};

Reporter::Reporter(Member self, ReporterOptions options, OnOrder on_order, Sampler sample)
    : impl_(std::make_unique<Impl>(std::move(self), std::move(options), std::move(on_order), std::move(sample))) {}

Reporter::~Reporter() = default;

void Reporter::push(std::vector<Value> values) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->queue.size() >= impl_->options.queue) {
    impl_->queue.pop_front();
    ++impl_->dropped;
  }
  impl_->queue.push_back(std::move(values));
}

void Reporter::finish(Outcome outcome) { impl_->outcome = outcome; }

void Reporter::end(Outcome outcome) {
  finish(outcome);
  impl_->end();
}

std::uint64_t Reporter::dropped() const { return impl_->dropped; }
double Reporter::cpu_seconds() const { return impl_->cpu; }

}  // namespace penumbra::monitor
