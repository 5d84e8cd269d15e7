#include "trainer/nets/weights.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <stdexcept>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <unistd.h>

#include "data/error.h"
#include "trainer/nets/weights_header.h"

namespace penumbra::trainer {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data are little-endian");

constexpr std::uint64_t kMaxHeader = 100'000'000;  ///< bytes; the format's own limit

/// A file being written: PATH.partial until commit(), removed when that is never reached.
class PartialFile {
 public:
  explicit PartialFile(const std::filesystem::path& path) : path_(path), partial_(path.string() + ".partial") {
    descriptor_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor_ < 0) fail("cannot be created");
  }
  ~PartialFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!committed_) ::unlink(partial_.c_str());
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  void write(const void* bytes, std::size_t size) {
    const char* next = static_cast<const char*>(bytes);
    while (size > 0) {
      const ssize_t written = ::write(descriptor_, next, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("cannot be written");
      next += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  /// Gives the file its name once its bytes are on the disk.
  void commit() {
    if (::fsync(descriptor_) != 0) fail("cannot be flushed");
    const int descriptor = std::exchange(descriptor_, -1);
    if (::close(descriptor) != 0) fail("cannot be closed");
    if (::rename(partial_.c_str(), path_.c_str()) != 0) fail("cannot be renamed to its final name");
    committed_ = true;
    const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
    const int parent = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool flushed = parent >= 0 && ::fsync(parent) == 0;
    if (parent >= 0) ::close(parent);
    if (!flushed) fail("was written, but its folder cannot be flushed");
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw data::DataError("weights file " + (committed_ ? path_.string() : partial_) + " " + what + ": " +
                          std::strerror(errno));
  }

  std::filesystem::path path_;
  std::string partial_;
  int descriptor_ = -1;
  bool committed_ = false;
};

WeightsHeader describe(const std::vector<comm::NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  WeightsHeader header{{}, metadata};
  std::uint64_t position = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::uint64_t begin = std::exchange(position, position + tensor.nbytes());
    header.entries.push_back({name, tensor.scalar_type(), tensor.sizes().vec(), begin, position});
  }
  return header;
}

/// Reads the whole file through `in`; what is wrong with it comes as std::invalid_argument.
SafetensorsFile read(std::ifstream& in, std::uint64_t file_bytes) {
  std::array<unsigned char, 8> raw{};
  if (!in.read(reinterpret_cast<char*>(raw.data()), raw.size())) throw std::invalid_argument("has no header");
  const auto length = std::bit_cast<std::uint64_t>(raw);
  if (length > kMaxHeader || length > file_bytes - raw.size()) {
    throw std::invalid_argument("says that its header has " + std::to_string(length) +
                                " bytes: truncated, or not safetensors");
  }
  std::string text(length, '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(length)))
    throw std::invalid_argument("ends within its header");
  WeightsHeader header = parse_header(text, file_bytes - raw.size() - length);
  SafetensorsFile out;
  out.metadata = std::move(header.metadata);
  for (const TensorEntry& entry : header.entries) {
    const at::Tensor tensor = at::empty(entry.shape, at::TensorOptions().dtype(entry.type));
    const auto bytes = static_cast<std::streamsize>(entry.end - entry.begin);
    if (bytes > 0 && !in.read(static_cast<char*>(tensor.mutable_data_ptr()), bytes)) {
      throw std::invalid_argument("ends within tensor \"" + entry.name + "\"");
    }
    out.tensors.push_back({entry.name, tensor});
  }
  return out;
}

}  // namespace

std::string shape_text(const at::Tensor& tensor) {
  std::string text = "[";
  for (const std::int64_t size : tensor.sizes()) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

void save_safetensors(const std::filesystem::path& path, const std::vector<comm::NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  const std::string header = format_header(describe(tensors, metadata));
  const auto length = static_cast<std::uint64_t>(header.size());
  PartialFile file(path);
  file.write(&length, sizeof(length));
  file.write(header.data(), header.size());
  for (const auto& item : tensors) {
    const at::Tensor contiguous = item.tensor.detach().cpu().contiguous();
    file.write(contiguous.const_data_ptr(), contiguous.nbytes());
  }
  file.commit();
}

SafetensorsFile load_safetensors(const std::filesystem::path& path) {
  const std::string what = "weights file " + path.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw data::DataError(what + " does not exist, or is not a file");
  const std::uint64_t bytes = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in) throw data::DataError(what + " cannot be read: check its permissions");
  try {
    return read(in, bytes);
  } catch (const std::invalid_argument& problem) {
    throw data::DataError(what + ": " + problem.what());
  }
}

void copy_weights(const SafetensorsFile& file, const std::vector<comm::NamedTensor>& targets) {
  std::map<std::string, at::Tensor> loaded;
  for (const auto& [name, tensor] : file.tensors) loaded[name] = tensor;
  std::set<std::string> wanted;
  for (const auto& [name, target] : targets) {
    wanted.insert(name);
    const auto found = loaded.find(name);
    if (found == loaded.end()) {
      throw data::DataError("the weights have no \"" + name + "\": they are of another net or method");
    }
    if (found->second.sizes() != target.sizes()) {
      throw data::DataError("\"" + name + "\" is " + shape_text(found->second) + " in the weights and " +
                            shape_text(target) + " in the net: depth, width or classes differ");
    }
  }
  for (const auto& item : loaded) {
    if (!wanted.contains(item.first)) {
      throw data::DataError("the net has no \"" + item.first + "\" of the weights: they are of another net or method");
    }
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, target] : targets) target.copy_(loaded.at(name));
}

}  // namespace penumbra::trainer
