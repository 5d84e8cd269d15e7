#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "comm/world.h"

namespace penumbra::comm {

/// Memory that the ranks of one host have in common, zero at first. It belongs to no file system - /dev/shm may be as
/// small as it likes - and is gone with its last holder, also after SIGKILL.
class HostMemory {
 public:
  /// Makes it. Throws CommError where the kernel refuses.
  explicit HostMemory(std::size_t bytes);
  /// Opens that of another process by its name(). Throws CommError where that cannot be reached from here.
  HostMemory(const std::string& name, std::size_t bytes);
  ~HostMemory();
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  std::span<std::uint8_t> bytes() const { return {data_, size_}; }
  /// For the other processes of this host, while this one lives.
  std::string name() const;

 private:
  void map();

  int descriptor_ = -1;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// All ranks call with the same size. Null on all of them where the ranks of some host cannot reach each other's
/// processes (a container for each), or its kernel refuses.
std::shared_ptr<HostMemory> share_on_host(World& world, std::size_t bytes);

}  // namespace penumbra::comm
