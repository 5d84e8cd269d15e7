#include "monitor/server.h"

#include <chrono>
#include <stdexcept>

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include "monitor/address.h"
#include "monitor/connection.h"
#include "monitor/exporter.h"
#include "monitor/service.h"

namespace penumbra::monitor {
namespace {

constexpr int kLargestMessage = 1 << 20;         ///< bytes
constexpr std::size_t kMostMemory = 256U << 20;  ///< of gRPC's buffers, bytes
constexpr int kMostThreads = 64;
constexpr std::chrono::milliseconds kShutdownTime{500};

void require_safe_metrics(const ServerOptions& options) {
  if (is_loopback(options.metrics) || options.security.insecure) return;
  throw std::invalid_argument(fmt::format(
      "the metrics at {} are plain text that other machines can read: stay at 127.0.0.1, behind a proxy with TLS where "
      "Prometheus runs elsewhere, or allow insecure",
      options.metrics));
}

}  // namespace

struct Server::Impl {
  explicit Impl(const ServerOptions& options)
      : table(options.table),
        token(read_token(options.security)),
        service(table, token, options.most_reports_per_second),
        exporter({options.metrics, is_loopback(options.metrics) ? "" : token}, table) {}

  RunTable table;
  std::string token;
  Service service;
  Exporter exporter;
  std::unique_ptr<grpc::Server> server;
  std::string host;
  int port = 0;
};

Server::Server(const ServerOptions& options) {
  require_safe(options.listen, options.security);
  require_safe_metrics(options);
  quiet_grpc();
  impl_ = std::make_unique<Impl>(options);
  impl_->host = split_address(options.listen).first;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, server_credentials(options.security), &impl_->port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a taken port is an error
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingMilliseconds / 2);
  builder.SetMaxReceiveMessageSize(kLargestMessage);
  builder.SetResourceQuota(grpc::ResourceQuota("monitor").Resize(kMostMemory).SetMaxThreads(kMostThreads));
  builder.RegisterService(&impl_->service);
  impl_->server = builder.BuildAndStart();
  if (!impl_->server || impl_->port == 0)
    throw std::runtime_error(
        fmt::format("cannot listen at {}: the port is in use, or the certificate is not usable", options.listen));
}

Server::~Server() {
  impl_->server->Shutdown(std::chrono::system_clock::now() + kShutdownTime);
  impl_->server->Wait();
}

std::string Server::address() const { return fmt::format("{}:{}", impl_->host, impl_->port); }
std::string Server::metrics_address() const { return impl_->exporter.address(); }

}  // namespace penumbra::monitor
