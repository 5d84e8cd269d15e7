#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penumbra::comm {

/// A TCP connection that carries lines of text. Never blocks, except to connect. Movable; one thread.
class LineSocket {
 public:
  /// Takes over a connected descriptor.
  explicit LineSocket(int descriptor);
  ~LineSocket();
  LineSocket(LineSocket&& other) noexcept;
  LineSocket& operator=(LineSocket&& other) noexcept;
  LineSocket(const LineSocket&) = delete;
  LineSocket& operator=(const LineSocket&) = delete;

  /// To an IPv4 address in dotted form. Nothing when nobody answers in time.
  static std::optional<LineSocket> connect(const std::string& address, std::uint16_t port,
                                           std::chrono::milliseconds timeout);

  int descriptor() const { return descriptor_; }
  /// What does not fit into the kernel's buffer is lost: the other end has not read for long.
  void send(const std::string& line);
  /// The whole lines that have come; nothing once the other end is gone.
  std::optional<std::vector<std::string>> receive();

 private:
  int descriptor_ = -1;
  std::string partial_;  ///< an unfinished line
};

/// Accepts connections on a free port of all interfaces.
class LineListener {
 public:
  /// Throws CommError.
  LineListener();
  ~LineListener();
  LineListener(const LineListener&) = delete;
  LineListener& operator=(const LineListener&) = delete;

  int descriptor() const { return descriptor_; }
  std::uint16_t port() const { return port_; }
  /// A connection that waits, if there is one.
  std::optional<LineSocket> accept();

 private:
  int descriptor_ = -1;
  std::uint16_t port_ = 0;
};

/// IPv4 addresses of this host's interfaces that are up, the loopback first.
std::vector<std::string> own_addresses();

}  // namespace penumbra::comm
