#pragma once

#include <string>

#include <grpcpp/grpcpp.h>

#include "monitor/proto/monitor.grpc.pb.h"
#include "monitor/run_table.h"

namespace penumbra::monitor {

/// The gRPC service over a table of runs. Every call must carry the token, where there is one, as "authorization:
/// Bearer TOKEN".
class Service final : public v1::Monitor::CallbackService {
 public:
  Service(RunTable& table, std::string token, double most_reports_per_second)
      : table_(table), token_(std::move(token)), most_reports_per_second_(most_reports_per_second) {}

  grpc::ServerBidiReactor<v1::RankReport, v1::Order>* Report(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context, const v1::ListRequest* request,
                                 v1::RunList* reply) override;
  grpc::ServerWriteReactor<v1::RunList>* Watch(grpc::CallbackServerContext* context,
                                               const v1::WatchRequest* request) override;
  grpc::ServerUnaryReactor* Control(grpc::CallbackServerContext* context, const v1::ControlRequest* request,
                                    v1::ControlReply* reply) override;

 private:
  /// OK, or what is wrong with the caller's token.
  grpc::Status admit(const grpc::CallbackServerContext& context);

  RunTable& table_;
  const std::string token_;
  const double most_reports_per_second_;
};

}  // namespace penumbra::monitor
