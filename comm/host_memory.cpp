#include "comm/host_memory.h"

#include <cerrno>
#include <cstring>
#include <sstream>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "comm/error.h"

namespace penumbra::comm {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw CommError("shared memory: " + what + ": " + std::strerror(errno));
}

}  // namespace

HostMemory::HostMemory(std::size_t bytes) : descriptor_(memfd_create("penumbra", MFD_CLOEXEC)), size_(bytes) {
  if (descriptor_ < 0) fail("cannot be made");
  if (ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) {
    ::close(descriptor_);
    fail("cannot get its size");
  }
  map();
}

// "PATH DEVICE INODE SIZE": the last three tell another process's file of the same path, in a container of its own,
// from the one that is meant.
std::string HostMemory::name() const {
  struct stat file {};
  fstat(descriptor_, &file);
  std::ostringstream text;
  text << "/proc/" << getpid() << "/fd/" << descriptor_ << ' ' << file.st_dev << ' ' << file.st_ino << ' ' << size_;
  return text.str();
}

HostMemory::HostMemory(const std::string& name, std::size_t bytes) : size_(bytes) {
  std::istringstream text(name);
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
  std::size_t size = 0;
  text >> path >> device >> inode >> size;
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor_ < 0) fail("cannot open " + path);
  struct stat file {};
  const bool same = fstat(descriptor_, &file) == 0 && file.st_dev == device && file.st_ino == inode && size == bytes;
  if (!same) {
    ::close(descriptor_);
    errno = ESTALE;
    fail(path);
  }
  map();
}

void HostMemory::map() {
  if (size_ == 0) return;
  void* mapped = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (mapped == MAP_FAILED) {
    ::close(descriptor_);
    fail("cannot be mapped");
  }
  data_ = static_cast<std::uint8_t*>(mapped);
}

HostMemory::~HostMemory() {
  if (data_ != nullptr) munmap(data_, size_);
  ::close(descriptor_);
}

std::shared_ptr<HostMemory> share_on_host(World& world, std::size_t bytes) {
  const bool owner = world.local_rank() == 0;
  std::shared_ptr<HostMemory> memory;
  const auto attempt = [&](const auto& make) {
    try {
      memory = make();
    } catch (const CommError&) {  // every rank hears of it below, and does without
    }
  };
  if (owner) attempt([&] { return std::make_shared<HostMemory>(bytes); });
  const std::string name = world.broadcast_on_host(memory ? memory->name() : "");
  if (!owner && !name.empty()) attempt([&] { return std::make_shared<HostMemory>(name, bytes); });
  const bool somewhere_missing = world.largest({memory ? 0.0 : 1.0})[0] > 0;
  return somewhere_missing ? nullptr : memory;
}

}  // namespace penumbra::comm
