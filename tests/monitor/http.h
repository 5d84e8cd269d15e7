#pragma once

#include <string>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/address.h"

namespace penumbra::monitor {

/// What "GET PATH" at a loopback address answers, headers and all; empty where nobody does. `more`: further headers.
inline std::string get(const std::string& address, const std::string& path, const std::string& more = "") {
  const auto [host, port] = split_address(address);
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, host.c_str(), &place.sin_addr);
  std::string answer;
  if (::connect(connection, reinterpret_cast<const sockaddr*>(&place), sizeof(place)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.0\r\nHost: test\r\n" + more + "\r\n";
    if (::send(connection, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
      char block[4096];
      for (ssize_t got = 0; (got = ::recv(connection, block, sizeof(block), 0)) > 0;)
        answer.append(block, static_cast<std::size_t>(got));
    }
  }
  ::close(connection);
  return answer;
}

}  // namespace penumbra::monitor
