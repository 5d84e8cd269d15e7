#include "monitor/client.h"

#include <chrono>
#include <stdexcept>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "monitor/connection.h"
#include "monitor/proto/monitor.grpc.pb.h"
#include "monitor/wire.h"

namespace penumbra::monitor {
namespace {

constexpr std::chrono::seconds kPatience{5};

}  // namespace

struct Client::Impl {
  void require(const grpc::Status& status) const {
    if (status.ok()) return;
    const bool silent = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                        status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
    throw std::runtime_error(
        fmt::format("{} {}: {}", silent ? "no monitor answers at" : "the monitor at", address, status.error_message()));
  }

  void prepare(grpc::ClientContext& context) const {
    authorise(context, token);
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
  }

  std::string address, token;
  std::unique_ptr<v1::Monitor::Stub> stub;
};

Client::Client(std::string address, const Security& security) : impl_(std::make_unique<Impl>()) {
  impl_->token = read_token(security);
  impl_->stub = v1::Monitor::NewStub(open_channel(address, security));
  impl_->address = std::move(address);
}

Client::~Client() = default;

std::vector<RunView> Client::list(const std::string& run) {
  grpc::ClientContext context;
  impl_->prepare(context);
  v1::ListRequest request;
  request.set_run(run);
  v1::RunList reply;
  impl_->require(impl_->stub->List(&context, request, &reply));
  return from_wire(reply);
}

void Client::watch(const std::string& run, double every_seconds,
                   const std::function<bool(std::vector<RunView>)>& show) {
  grpc::ClientContext context;
  authorise(context, impl_->token);
  v1::WatchRequest request;
  request.set_run(run);
  request.set_every_seconds(every_seconds);
  const auto stream = impl_->stub->Watch(&context, request);
  for (v1::RunList list; stream->Read(&list);) {
    if (show(from_wire(list))) continue;
    context.TryCancel();
    return;
  }
  impl_->require(stream->Finish());
}

int Client::order(const std::string& run, Order order) {
  grpc::ClientContext context;
  impl_->prepare(context);
  v1::ControlRequest request;
  request.set_run(run);
  request.mutable_order()->set_kind(order == Order::stop ? v1::Order::STOP : v1::Order::CHECKPOINT);
  v1::ControlReply reply;
  impl_->require(impl_->stub->Control(&context, request, &reply));
  return reply.rank();
}

}  // namespace penumbra::monitor
