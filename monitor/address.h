#pragma once

#include <string>
#include <utility>

namespace penumbra::monitor {

/// HOST and PORT of "HOST:PORT" or "[HOST]:PORT". Throws std::invalid_argument.
std::pair<std::string, int> split_address(const std::string& address);

/// Whether only this machine can reach it. Throws as split_address() does.
bool is_loopback(const std::string& address);

}  // namespace penumbra::monitor
