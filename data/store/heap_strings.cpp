#include "data/store/heap_strings.h"

#include <fstream>
#include <span>
#include <string_view>
#include <system_error>
#include <unordered_map>

namespace penumbra::data {
namespace {

// A reference: length (4 bytes), address of the collection (8), index of the object in it (4).
constexpr std::uint64_t kReferenceBytes = 16;
// A collection: "GCOL", version, 3 reserved bytes, its size (8); an object: index (2), references (2), 4 reserved
// bytes, size (8), then its bytes up to a multiple of 8. Index 0 is the free rest.
constexpr std::uint64_t kHeaderBytes = 16;
constexpr std::string_view kStart("GCOL\1", 5);

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

class FileBytes {
 public:
  explicit FileBytes(const std::filesystem::path& path) : file_(path, std::ios::binary) {
    std::error_code error;
    size_ = std::filesystem::file_size(path, error);
    if (error) size_ = 0;
  }
  std::optional<std::string> read(std::uint64_t offset, std::uint64_t count) {
    if (offset > size_ || count > size_ - offset) return std::nullopt;
    std::string bytes(count, '\0');
    file_.seekg(static_cast<std::streamoff>(offset));
    if (!file_.read(bytes.data(), static_cast<std::streamsize>(count))) return std::nullopt;
    return bytes;
  }

 private:
  std::ifstream file_;
  std::uint64_t size_ = 0;
};

/// One collection in memory. Only one is kept: its size is the file's own word, and neighbours share it.
struct Collection {
  std::uint64_t address = 0;
  std::string bytes;
  std::unordered_map<std::uint64_t, std::string_view> objects;
};

bool list_objects(Collection& collection) {
  const std::string_view bytes = collection.bytes;
  std::uint64_t at = kHeaderBytes;
  while (bytes.size() - at >= kHeaderBytes) {
    const std::uint64_t index = number(bytes, at, 2), size = number(bytes, at + 8, 8);
    if (index == 0) break;
    at += kHeaderBytes;
    if (size > bytes.size() - at) return false;
    collection.objects.emplace(index, bytes.substr(at, size));
    const std::uint64_t padded = (size + 7) / 8 * 8;
    if (padded > bytes.size() - at) return false;
    at += padded;
  }
  return true;
}

bool load(FileBytes& file, std::uint64_t address, std::uint64_t base, Collection& collection) {
  collection = {};
  if (address > UINT64_MAX - base) return false;
  const auto header = file.read(base + address, kHeaderBytes);
  if (!header || header->compare(0, kStart.size(), kStart) != 0) return false;
  auto bytes = file.read(base + address, number(*header, 8, 8));
  if (!bytes || bytes->size() < kHeaderBytes) return false;
  collection.address = address;
  collection.bytes = std::move(*bytes);
  return list_objects(collection);
}

}  // namespace

std::optional<std::vector<std::string>> read_heap_strings(const std::filesystem::path& path,
                                                          const StringReferences& references) {
  FileBytes file(path);
  if (references.count > UINT64_MAX / kReferenceBytes) return std::nullopt;
  const auto table = file.read(references.offset, references.count * kReferenceBytes);
  if (!table) return std::nullopt;
  std::vector<std::string> texts;
  texts.reserve(references.count);
  Collection collection;
  for (std::size_t at = 0; at < table->size(); at += kReferenceBytes) {
    const std::uint64_t length = number(*table, at, 4), address = number(*table, at + 4, 8);
    if (length == 0) {
      texts.emplace_back();
      continue;
    }
    const bool other = collection.bytes.empty() || collection.address != address;
    if (other && !load(file, address, references.base, collection)) return std::nullopt;
    const auto object = collection.objects.find(number(*table, at + 12, 4));
    if (object == collection.objects.end() || object->second.size() != length) return std::nullopt;
    texts.emplace_back(object->second);
  }
  return texts;
}

}  // namespace penumbra::data
