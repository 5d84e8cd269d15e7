#pragma once

#include <memory>
#include <string>

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace penumbra::monitor {

/// What a connection is secured with. Files are PEM. All empty: plain text, which is fine on loopback alone.
struct Security {
  std::string certificate, key;  ///< of the server; of a client that shows one
  std::string ca;                ///< of a client: who vouches for the server; empty: plain text
  std::string client_ca;         ///< of a server: clients must show a certificate of this authority
  std::string token_file;        ///< one line that both sides know
  bool insecure = false;         ///< plain text beyond loopback, on the user's own head
};

/// Throws std::invalid_argument, saying what is missing, where a server at `address` would be open to others: beyond
/// loopback it takes certificate, key and token, or `insecure`.
void require_safe(const std::string& address, const Security& security);

/// The first line of the token's file, or empty without one. Throws std::runtime_error when it is unreadable, shorter
/// than 16 characters, or has others than printable ASCII ones.
std::string read_token(const Security& security);

/// Throw std::runtime_error for files that cannot be read.
std::shared_ptr<grpc::ServerCredentials> server_credentials(const Security& security);
std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const Security& security);

/// Throws std::runtime_error where a client would send its token in plain text to another machine.
void require_private(const std::string& address, const Security& security);

/// Compares in a time that does not tell how far they agree.
bool same_secret(const std::string& a, const std::string& b);

}  // namespace penumbra::monitor
