#include "data/import/npy.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/error.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kMostBytes = 1024;
constexpr std::string_view kMagic = "\x93NUMPY";
constexpr const char* kEndsEarly = "corrupt .npy file: it ends in its header";
constexpr std::size_t kCodePointBytes = 4;  ///< of a U string

/// What an item is, from a type such as "<i8" or "<U2".
struct ItemType {
  bool big_endian = false;
  char kind = 0;          ///< i, u, f, S, U
  std::size_t count = 0;  ///< bytes, of a U string code points
};

std::vector<std::uint8_t> read_bytes(const fs::path& path) {
  if (!fs::is_regular_file(path)) fail(path, fs::exists(path) ? "is not a file" : "no such file");
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(path, std::string("cannot open: ") + std::strerror(errno));
  std::vector<std::uint8_t> bytes(kMostBytes + 1);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (in.bad()) fail(path, "cannot read it");
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

/// An unsigned number of at most 8 bytes.
std::uint64_t unsigned_of(Bytes bytes, bool big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value = value << 8 | bytes[big_endian ? i : bytes.size() - 1 - i];
  return value;
}

/// Takes a header's text, a dict as Python writes it, apart from left to right.
class Literal {
 public:
  explicit Literal(std::string_view text) : rest_(text) {}

  /// Whether `token` comes next, after blanks; then it is passed.
  bool take(std::string_view token) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size()));
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  /// The text between the quotes that come next.
  std::optional<std::string_view> quoted() {
    const std::string_view quote = take("'") ? "'" : "\"";
    if (quote == "\"" && !take(quote)) return std::nullopt;
    const std::size_t end = rest_.find(quote);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool at_end() { return take("") && rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<ItemType> parse_type(std::string_view text) {
  if (text.size() < 3 || std::string_view("<>|").find(text[0]) == std::string_view::npos) return std::nullopt;
  ItemType type{text[0] == '>', text[1], 0};
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), type.count);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const bool power_of_two = std::has_single_bit(type.count) && type.count <= 8;
  switch (type.kind) {
    case 'i':
    case 'u':
      return power_of_two ? std::optional(type) : std::nullopt;
    case 'f':
      return power_of_two && type.count >= 4 ? std::optional(type) : std::nullopt;
    case 'S':
    case 'U':
      return type.count <= kMostBytes ? std::optional(type) : std::nullopt;
    default:
      return std::nullopt;
  }
}

/// What a header says, each entry once it is read and understood.
struct Header {
  std::optional<ItemType> type;
  bool has_order = false, is_one_item = false;
};

bool parse_entry(Literal& literal, Header& header) {
  const auto key = literal.quoted();
  if (!key || !literal.take(":")) return false;
  if (*key == "descr") {
    header.type = parse_type(literal.quoted().value_or(""));
    return header.type.has_value();
  }
  if (*key == "fortran_order") {
    header.has_order = literal.take("False") || literal.take("True");
    return header.has_order;
  }
  if (*key != "shape" || !literal.take("(")) return false;
  header.is_one_item = literal.take(")") || (literal.take("1") && literal.take(",") && literal.take(")"));
  return header.is_one_item;
}

/// The type of the one item; nothing where the header says anything else.
std::optional<ItemType> parse_header(std::string_view text) {
  Literal literal(text);
  Header header;
  if (!literal.take("{")) return std::nullopt;
  for (bool open = true; open;) {
    if (!parse_entry(literal, header)) return std::nullopt;
    const bool comma = literal.take(",");
    open = !literal.take("}");
    if (open && !comma) return std::nullopt;
  }
  return header.has_order && header.is_one_item && literal.at_end() ? header.type : std::nullopt;
}

/// The characters of a string without the zeros that fill it up; nothing where one is not ASCII.
std::optional<std::string> text_of(Bytes item, const ItemType& type) {
  const std::size_t width = type.kind == 'U' ? kCodePointBytes : 1;
  std::string text;
  for (std::size_t at = 0; at < item.size(); at += width) {
    const std::uint64_t character = unsigned_of(item.subspan(at, width), type.big_endian);
    if (character > 0x7f) return std::nullopt;
    text.push_back(static_cast<char>(character));
  }
  text.erase(text.find_last_not_of('\0') + 1);
  return text;
}

std::optional<double> number_of_text(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  int value = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// Exact where it is near the range of an int; NaN is a number here.
std::optional<double> number_of(Bytes item, const ItemType& type) {
  if (type.kind == 'S' || type.kind == 'U') return number_of_text(text_of(item, type));
  const std::uint64_t bits = unsigned_of(item, type.big_endian);
  if (type.kind == 'u') return static_cast<double>(bits);
  if (type.kind == 'f')
    return type.count == 4 ? std::bit_cast<float>(static_cast<std::uint32_t>(bits)) : std::bit_cast<double>(bits);
  const std::size_t spare = 64 - 8 * type.count;
  return static_cast<double>(static_cast<std::int64_t>(bits << spare) >> spare);
}

/// A file's two parts.
struct Parts {
  std::string_view header;
  Bytes item;
};

Parts split(Bytes bytes, const fs::path& name) {
  if (bytes.size() > kMostBytes) fail(name, "has more than 1 KiB, expected an .npy file of one number");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t prefix = kMagic.size() + 2;  // and the version
  if (bytes.size() < prefix || !text.starts_with(kMagic)) fail(name, "is no .npy file");
  const int version = bytes[kMagic.size()];
  if (version < 1 || version > 3) fail(name, "is .npy of version " + std::to_string(version) + ", expected 1 to 3");
  const std::size_t length_bytes = version == 1 ? 2 : 4, start = prefix + length_bytes;
  if (bytes.size() < start) fail(name, kEndsEarly);
  const std::uint64_t length = unsigned_of(bytes.subspan(prefix, length_bytes), false);
  if (length > bytes.size() - start) fail(name, kEndsEarly);
  return {text.substr(start, length), bytes.subspan(start + length)};
}

}  // namespace

int decode_npy_integer(Bytes bytes, const fs::path& name, int low, int high) {
  const auto [header, item] = split(bytes, name);
  const auto type = parse_header(header);
  if (!type) fail(name, "is no .npy file of one number or one short string");
  const std::size_t expected = type->count * (type->kind == 'U' ? kCodePointBytes : 1);
  if (item.size() != expected) {
    fail(name, "corrupt .npy file: its header says " + std::to_string(expected) + " bytes of data, there are " +
                   std::to_string(item.size()));
  }
  const auto value = number_of(item, *type);
  if (!value || !(*value >= low && *value <= high) || *value != std::floor(*value))
    fail(name, "holds no whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return static_cast<int>(*value);
}

int read_npy_integer(const fs::path& path, int low, int high) {
  return decode_npy_integer(read_bytes(path), path, low, high);
}

}  // namespace penumbra::data
