#include "comm/watchdog/line_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "comm/error.h"

namespace penumbra::comm {
namespace {

constexpr std::size_t kLongestLine = 4096;

sockaddr_in any_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  return address;
}

/// Whether the connection that was begun is there in time.
bool connected(int descriptor, std::chrono::milliseconds timeout) {
  pollfd wanted{descriptor, POLLOUT, 0};
  if (::poll(&wanted, 1, static_cast<int>(timeout.count())) != 1) return false;
  int error = 0;
  socklen_t size = sizeof(error);
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace

LineSocket::LineSocket(int descriptor) : descriptor_(descriptor) {}

LineSocket::~LineSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

LineSocket::LineSocket(LineSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), partial_(std::move(other.partial_)) {}

LineSocket& LineSocket::operator=(LineSocket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(partial_, other.partial_);
  return *this;
}

std::optional<LineSocket> LineSocket::connect(const std::string& address, std::uint16_t port,
                                              std::chrono::milliseconds timeout) {
  sockaddr_in to = any_address(port);
  if (inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) return std::nullopt;
  LineSocket made(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made.descriptor_ < 0) return std::nullopt;
  const int begun = ::connect(made.descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  if (begun != 0 && (errno != EINPROGRESS || !connected(made.descriptor_, timeout))) return std::nullopt;
  return made;
}

void LineSocket::send(const std::string& line) {
  const std::string text = line + "\n";
  [[maybe_unused]] const ssize_t sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::optional<std::vector<std::string>> LineSocket::receive() {
  std::array<char, 1024> bytes{};
  ssize_t count = 0;
  while ((count = ::recv(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0) {
    partial_.append(bytes.data(), static_cast<std::size_t>(count));
  }
  const bool gone = count == 0 || (errno != EAGAIN && errno != EINTR);
  std::vector<std::string> lines;
  for (std::size_t end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
    lines.push_back(partial_.substr(0, end));
    partial_.erase(0, end + 1);
  }
  if ((gone && lines.empty()) || partial_.size() > kLongestLine) return std::nullopt;
  return lines;
}

LineListener::LineListener() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = any_address(0);
  socklen_t size = sizeof(address);
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (descriptor_ < 0 || ::bind(descriptor_, plain, size) != 0 || ::listen(descriptor_, SOMAXCONN) != 0 ||
      getsockname(descriptor_, plain, &size) != 0) {
    throw CommError(std::string("no port for heartbeats: ") + std::strerror(errno));
  }
  port_ = ntohs(address.sin_port);
}

LineListener::~LineListener() { ::close(descriptor_); }

std::optional<LineSocket> LineListener::accept() {
  const int descriptor = ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  return LineSocket(descriptor);
}

std::vector<std::string> own_addresses() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return {"127.0.0.1"};
  std::vector<std::string> addresses;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET || (one->ifa_flags & IFF_UP) == 0) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
    addresses.emplace_back(text.data());
  }
  freeifaddrs(all);
  std::stable_partition(addresses.begin(), addresses.end(), [](const std::string& a) { return a.starts_with("127."); });
  return addresses;
}

}  // namespace penumbra::comm
