#include "data/store/durable.h"

#include <cerrno>
#include <cstring>
#include <future>
#include <span>
#include <vector>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "data/error.h"
#include "data/store/hash.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;

// Less room than this and a file system has none for a store.
constexpr unsigned long kFullBytes = 64 * 1024;
constexpr int kMostNames = 10'000;

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

bool disk_is_full(const fs::path& folder) {
  struct statvfs space {};
  return statvfs(folder.c_str(), &space) == 0 && space.f_bavail * space.f_frsize < kFullBytes;
}

void sync(const fs::path& file, int flags, const fs::path& target) {
  const int descriptor = ::open(file.c_str(), flags | O_CLOEXEC);
  const bool opened = descriptor >= 0;
  const bool synced = opened && ::fsync(descriptor) == 0;
  const int error = errno;
  if (opened) ::close(descriptor);
  if (!synced) throw DataError(write_failure(target, std::strerror(error)));
}

void give_name(const fs::path& partial, const fs::path& path) {
  if (std::rename(partial.c_str(), path.c_str()) != 0) throw DataError(write_failure(path, std::strerror(errno)));
}

}  // namespace

void flush_folder(const fs::path& folder) { sync(folder, O_RDONLY | O_DIRECTORY, folder); }

FileStamp stamp_of(const std::filesystem::path& path) {
  constexpr std::size_t kBlock = std::size_t{1} << 20;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  Hash hash;
  std::vector<char> block(kBlock);
  FileStamp stamp;
  ssize_t got = -1;
  while (file >= 0 && (got = ::read(file, block.data(), block.size())) > 0) {
    hash.add(std::span<const char>(block.data(), static_cast<std::size_t>(got)));
    stamp.bytes += static_cast<std::uint64_t>(got);
  }
  const int problem = errno;
  if (file >= 0) ::close(file);
  if (got < 0) throw DataError(path.string() + ": cannot be read: " + std::strerror(problem));
  stamp.checksum = hash.digest();
  return stamp;
}

std::string write_failure(const fs::path& path, const std::string& what) {
  const bool full = disk_is_full(folder_of(path));
  return path.string() + ": cannot be written: " + what + (full ? "; the disk is full: make room and try again" : "");
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw DataError(folder.string() + ": cannot be made: " + error.message());
}

fs::path create_partial(const fs::path& path) {
  if (fs::is_directory(path)) throw DataError(write_failure(path, "it is a folder"));
  for (int attempt = 0; attempt < kMostNames; ++attempt) {
    fs::path partial = path;
    partial += ".partial-" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
    const int descriptor = ::open(partial.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
      ::close(descriptor);
      return partial;
    }
    if (errno != EEXIST) throw DataError(write_failure(path, std::strerror(errno)));
  }
  throw DataError(write_failure(path, "too many partial files beside it; remove them"));
}

void publish(const fs::path& partial, const fs::path& path) {
  sync(partial, O_RDONLY, path);
  give_name(partial, path);
  sync(folder_of(path), O_RDONLY | O_DIRECTORY, path);
}

FileStamp publish_as_part(const fs::path& partial, const fs::path& path) {
  std::future<FileStamp> stamp = std::async(std::launch::async, [&] { return stamp_of(partial); });
  sync(partial, O_RDONLY, path);
  const FileStamp found = stamp.get();  // before the name that it is read by is gone
  give_name(partial, path);
  return found;
}

}  // namespace penumbra::data
