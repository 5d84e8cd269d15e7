#include "monitor/credentials.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include "monitor/address.h"

namespace penumbra::monitor {
namespace {

constexpr std::size_t kShortestToken = 16;

std::string text_of(const std::string& path) {
  if (path.empty()) return "";
  std::ifstream file(path);
  if (!file) throw std::runtime_error(fmt::format("{}: cannot be read", path));
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void require_safe(const std::string& address, const Security& security) {
  if (is_loopback(address) || security.insecure) return;
  std::string missing;
  const auto want = [&](const std::string& value, const char* name) {
    if (value.empty()) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
  };
  want(security.certificate, "a certificate");
  want(security.key, "its key");
  want(security.token_file, "a token file");
  if (missing.empty()) return;
  throw std::invalid_argument(
      fmt::format("a monitor at {} can be reached from other machines, but lacks {}: give it, stay at 127.0.0.1, or "
                  "allow insecure",
                  address, missing));
}

std::string read_token(const Security& security) {
  if (security.token_file.empty()) return "";
  const std::string text = text_of(security.token_file);
  std::string token = text.substr(0, text.find_first_of("\r\n"));
  if (token.size() < kShortestToken)
    throw std::runtime_error(
        fmt::format("{}: its first line is shorter than {} characters", security.token_file, kShortestToken));
  const auto printable = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(token.begin(), token.end(), printable))
    throw std::runtime_error(
        fmt::format("{}: its first line has blanks or others than ASCII characters", security.token_file));
  return token;
}

void require_private(const std::string& address, const Security& security) {
  if (security.token_file.empty() || !security.ca.empty() || security.insecure || is_loopback(address)) return;
  throw std::runtime_error(fmt::format(
      "the token would travel to {} in plain text: name the authority of its certificate (ca), or allow insecure",
      address));
}

std::shared_ptr<grpc::ServerCredentials> server_credentials(const Security& security) {
  if (security.certificate.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options(security.client_ca.empty()
                                                ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_key_cert_pairs.push_back({text_of(security.key), text_of(security.certificate)});
  options.pem_root_certs = text_of(security.client_ca);
  return grpc::SslServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const Security& security) {
  if (security.ca.empty()) return grpc::InsecureChannelCredentials();
  return grpc::SslCredentials({text_of(security.ca), text_of(security.key), text_of(security.certificate)});
}

bool same_secret(const std::string& a, const std::string& b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i] ^ (b.empty() ? '\0' : b[i % b.size()]));
  return difference == 0;
}

}  // namespace penumbra::monitor
