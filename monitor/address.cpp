#include "monitor/address.h"

#include <stdexcept>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace penumbra::monitor {

std::pair<std::string, int> split_address(const std::string& address) {
  const auto colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const std::string host = address.substr(0, colon);
  const bool plain = host.find_first_of(", \t/") == std::string::npos;  // civetweb would take a list
  const bool digits = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (colon == 0 || !plain || !digits || std::stoi(port) > 65535)
    throw std::invalid_argument(fmt::format("'{}' is no HOST:PORT", address));
  return {host, std::stoi(port)};
}

bool is_loopback(const std::string& address) {
  const std::string host = split_address(address).first;
  in_addr number{};
  return host == "localhost" || host == "[::1]" ||
         (inet_pton(AF_INET, host.c_str(), &number) == 1 && ntohl(number.s_addr) >> 24 == 127);
}

}  // namespace penumbra::monitor
