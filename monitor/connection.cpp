#include "monitor/connection.h"

#include <cstdlib>

#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/version_info.h>

namespace penumbra::monitor {
namespace {

constexpr int kPingPatienceMilliseconds = 5'000, kLongestPauseMilliseconds = 5'000;
constexpr int kLargestReply = 64 << 20;  ///< bytes: a list of many runs

}  // namespace

void quiet_grpc() {
#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_function([](gpr_log_func_args* /*message*/) {});
#endif
}

std::shared_ptr<grpc::Channel> open_channel(const std::string& address, const Security& security) {
  quiet_grpc();
  require_private(address, security);
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kPingMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingPatienceMilliseconds);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestPauseMilliseconds);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kLargestReply);
  return grpc::CreateCustomChannel(address, channel_credentials(security), arguments);
}

void authorise(grpc::ClientContext& context, const std::string& token) {
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
}

}  // namespace penumbra::monitor
