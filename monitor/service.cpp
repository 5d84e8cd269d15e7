#include "monitor/service.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>

#include <fmt/format.h>
#include <grpcpp/alarm.h>

#include "monitor/credentials.h"
#include "monitor/wire.h"

namespace penumbra::monitor {
namespace {

using Clock = std::chrono::system_clock;
using grpc::Status;
using grpc::StatusCode;

Clock::duration seconds(double count) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
}

/// One rank's connection: reads its reports, at no more than a rate, and writes orders when they come. gRPC calls it on
/// its own threads and destroys it through OnDone().
class ReportStream final : public grpc::ServerBidiReactor<v1::RankReport, v1::Order> {
 public:
  ReportStream(RunTable& table, double most_per_second) : table_(table), pause_(seconds(1 / most_per_second)) {
    StartRead(&report_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return end(Status::OK);
    try {
      if (!take()) return end(Status(StatusCode::ABORTED, "another one has joined as this rank, or it was forgotten"));
    } catch (const std::invalid_argument& problem) {
      return end(Status(StatusCode::INVALID_ARGUMENT, problem.what()));
    } catch (const std::exception& problem) {
      return end(Status(StatusCode::INTERNAL, problem.what()));
    }
    // A steady rate lets short bursts through: the next read waits only for what is ahead of it.
    const auto now = std::chrono::steady_clock::now();
    next_read_ = std::max(next_read_ + pause_, now - kBurst * pause_);
    if (next_read_ <= now) return StartRead(&report_);
    alarm_.Set(Clock::now() + (next_read_ - now), [this](bool fired) {
      if (fired) {
        StartRead(&report_);
      } else {
        end(Status::CANCELLED);
      }
    });
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    orders_.pop_front();
    if (!ok || ended_) orders_.clear();
    if (!orders_.empty()) StartWrite(&orders_.front());
  }

  void OnCancel() override { alarm_.Cancel(); }

  void OnDone() override {
    if (token_ != 0) table_.leave(token_, std::nullopt);
    delete this;
  }

 private:
  static constexpr int kBurst = 20;
  static constexpr std::size_t kMostOrders = 16;

  /// False where the table does not know this rank any more.
  bool take() {
    if (report_.has_hello()) {
      if (token_ != 0) throw std::invalid_argument("a rank says hello once");
      token_ = table_.join(from_wire(report_.hello()), [this](Order order) { send(order); });
      return true;
    }
    if (token_ == 0) throw std::invalid_argument("a rank says hello first");
    if (report_.has_update()) {
      std::vector<Value> values;
      for (const v1::Value& value : report_.update().values()) {
        if (auto known = from_wire(value)) {
          values.push_back(std::move(*known));
        } else {
          table_.reject("metric");
        }
      }
      return table_.update(token_, std::move(values), report_.update().dropped());
    }
    if (v1::Outcome_IsValid(report_.outcome())) {
      table_.leave(token_, static_cast<Outcome>(report_.outcome()));
    }
    return true;
  }

  /// Under the table's lock, so not after leave().
  void send(Order order) {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    v1::Order message;
    message.set_kind(order == Order::stop ? v1::Order::STOP : v1::Order::CHECKPOINT);
    if (orders_.size() >= kMostOrders) return;  // it does not read, and the same is on its way
    orders_.push_back(message);
    if (orders_.size() == 1) StartWrite(&orders_.front());
  }

  void end(const Status& status) {
    if (token_ != 0) table_.leave(token_, std::nullopt);  // no order comes any more
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = !std::exchange(ended_, true);
    }
    if (first) Finish(status);  // after which gRPC may delete this at any time
  }

  RunTable& table_;
  const Clock::duration pause_;
  std::chrono::steady_clock::time_point next_read_{};
  grpc::Alarm alarm_;
  v1::RankReport report_;
  std::uint64_t token_ = 0;
  std::mutex mutex_;
  std::deque<v1::Order> orders_;  ///< the first one is being written
  bool ended_ = false;
};

/// One live view: a list of runs again and again, the next one only when the last has left, so that a slow reader holds
/// up nobody but itself.
class WatchStream final : public grpc::ServerWriteReactor<v1::RunList> {
 public:
  WatchStream(RunTable& table, const v1::WatchRequest& request)
      : table_(table),
        run_(request.run()),
        every_(seconds(std::clamp(request.every_seconds() > 0 ? request.every_seconds() : 1, kShortest, kLongest))) {
    write();
  }

  void OnWriteDone(bool ok) override {
    if (!ok || cancelled_) return Finish(Status::OK);
    alarm_.Set(Clock::now() + every_, [this](bool fired) {
      if (fired) {
        write();
      } else {
        Finish(Status::CANCELLED);
      }
    });
  }

  void OnCancel() override {
    cancelled_ = true;
    alarm_.Cancel();
  }
  void OnDone() override { delete this; }

 private:
  static constexpr double kShortest = 0.2, kLongest = 10;  ///< seconds

  void write() {
    list_ = to_wire(table_.view(run_));
    StartWrite(&list_);
  }

  RunTable& table_;
  const std::string run_;
  const Clock::duration every_;
  std::atomic<bool> cancelled_ = false;
  grpc::Alarm alarm_;
  v1::RunList list_;
};

/// A stream that ends at once.
template <typename Reactor>
class Refused final : public Reactor {
 public:
  explicit Refused(const Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

grpc::ServerUnaryReactor* answer(grpc::CallbackServerContext& context, const Status& status) {
  auto* reactor = context.DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

}  // namespace

Status Service::admit(const grpc::CallbackServerContext& context) {
  if (token_.empty()) return Status::OK;
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  const std::string given = found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
  if (same_secret(given, "Bearer " + token_)) return Status::OK;
  table_.reject("token");
  return {StatusCode::UNAUTHENTICATED, given.empty() ? "this monitor asks for a token" : "the token is wrong"};
}

grpc::ServerBidiReactor<v1::RankReport, v1::Order>* Service::Report(grpc::CallbackServerContext* context) {
  if (const Status status = admit(*context); !status.ok())
    return new Refused<grpc::ServerBidiReactor<v1::RankReport, v1::Order>>(status);
  return new ReportStream(table_, most_reports_per_second_);
}

grpc::ServerUnaryReactor* Service::List(grpc::CallbackServerContext* context, const v1::ListRequest* request,
                                        v1::RunList* reply) {
  const Status status = admit(*context);
  if (status.ok()) *reply = to_wire(table_.view(request->run()));
  return answer(*context, status);
}

grpc::ServerWriteReactor<v1::RunList>* Service::Watch(grpc::CallbackServerContext* context,
                                                      const v1::WatchRequest* request) {
  if (const Status status = admit(*context); !status.ok())
    return new Refused<grpc::ServerWriteReactor<v1::RunList>>(status);
  return new WatchStream(table_, *request);
}

grpc::ServerUnaryReactor* Service::Control(grpc::CallbackServerContext* context, const v1::ControlRequest* request,
                                           v1::ControlReply* reply) {
  Status status = admit(*context);
  const auto kind = request->order().kind();
  if (status.ok() && kind != v1::Order::STOP && kind != v1::Order::CHECKPOINT)
    status = {StatusCode::INVALID_ARGUMENT, "no such order"};
  if (status.ok()) {
    const int rank = table_.order(request->run(), kind == v1::Order::STOP ? Order::stop : Order::checkpoint);
    if (rank < 0) status = {StatusCode::NOT_FOUND, fmt::format("no rank of run '{}' is connected", request->run())};
    reply->set_rank(rank);
  }
  return answer(*context, status);
}

}  // namespace penumbra::monitor
