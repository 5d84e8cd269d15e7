#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "monitor/credentials.h"

namespace penumbra::monitor {

/// A client's side of a connection looks so often whether the other side still lives.
inline constexpr int kPingMilliseconds = 10'000;

/// Silences gRPC's own log, unless GRPC_VERBOSITY asks for it: the callers say what matters. From 1.65 on gRPC logs
/// through Abseil, whose settings are left as they are.
void quiet_grpc();

/// Does not connect yet. Throws what channel_credentials() and require_private() do.
std::shared_ptr<grpc::Channel> open_channel(const std::string& address, const Security& security);

/// Adds the token to a call, where there is one.
void authorise(grpc::ClientContext& context, const std::string& token);

}  // namespace penumbra::monitor
