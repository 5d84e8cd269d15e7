#include "data/store/groups.h"

#include <algorithm>
#include <set>

#include "data/error.h"
#include "data/store/class_map.h"

namespace penumbra::data {
namespace {

constexpr std::size_t kMostColumns = 64, kLongestName = 255;

/// A character of UTF-8 by its first byte: how many bytes it has, and the least code that needs so many.
struct CharacterKind {
  std::size_t bytes;
  std::uint32_t least, bits;
};

CharacterKind kind_of(unsigned char first) {
  if (first < 0x80) return {1, 0, first};
  if (first >= 0xc0 && first < 0xe0) return {2, 0x80, first & 0x1fu};
  if (first >= 0xe0 && first < 0xf0) return {3, 0x800, first & 0x0fu};
  if (first >= 0xf0 && first < 0xf8) return {4, 0x10000, first & 0x07u};
  return {0, 0, 0};
}

bool is_control(std::uint32_t code) { return code < 0x20 || (code >= 0x7f && code < 0xa0); }
bool is_surrogate(std::uint32_t code) { return code >= 0xd800 && code < 0xe000; }

bool is_name(const std::string& name) {
  return is_plain_text(name) && name.size() <= kLongestName && name.find('/') == std::string::npos && name != ".";
}

void check_values(const GroupColumn& column, const std::string& where) {
  if (column.values.empty()) fail(where, "has no values");
  std::set<std::string_view> seen;
  for (std::size_t k = 0; k < column.values.size(); ++k) {
    if (!is_plain_text(column.values[k]))
      fail(where, "value " + std::to_string(k) + " is empty or no plain text in UTF-8");
    if (!seen.insert(column.values[k]).second) fail(where, "the value " + column.values[k] + " is there twice");
  }
}

void check_codes(const GroupColumn& column, std::size_t rows, const std::string& where) {
  if (column.codes.size() != rows)
    fail(where, std::to_string(column.codes.size()) + " codes, expected " + std::to_string(rows));
  const auto values = static_cast<std::int64_t>(column.values.size());
  for (std::size_t row = 0; row < rows; ++row) {
    if (column.codes[row] < kUnknownGroup || column.codes[row] >= values) {
      fail(where, "the code of row " + std::to_string(row) + " is " + std::to_string(column.codes[row]) +
                      ", allowed are -1 (unknown) to " + std::to_string(values - 1));
    }
  }
}

}  // namespace

std::int32_t GroupValues::code_of(const std::string& value) {
  const auto [entry, fresh] = codes_.emplace(value, static_cast<std::int32_t>(values_.size()));
  if (fresh) values_.push_back(value);
  return entry->second;
}

const GroupColumn* find_column(std::span<const GroupColumn> groups, const std::string& name) {
  const auto found =
      std::find_if(groups.begin(), groups.end(), [&](const GroupColumn& column) { return column.name == name; });
  return found == groups.end() ? nullptr : &*found;
}

const GroupColumn& require_column(std::span<const GroupColumn> groups, const std::string& name,
                                  const std::string& where) {
  if (const GroupColumn* column = find_column(groups, name)) return *column;
  std::vector<std::string> names;
  for (const GroupColumn& column : groups) names.push_back(column.name);
  throw DataError(where + " has no groups \"" + name + "\", " +
                  (names.empty() ? "nor any others" : "there are " + listed(names)));
}

bool is_plain_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto [bytes, least, bits] = kind_of(static_cast<unsigned char>(text[at]));
    if (bytes == 0 || bytes > text.size() - at) return false;
    std::uint32_t code = bits;
    for (const char next : text.substr(at + 1, bytes - 1)) {
      if ((static_cast<unsigned char>(next) & 0xc0) != 0x80) return false;
      code = code << 6 | (static_cast<unsigned char>(next) & 0x3fu);
    }
    if (code < least || code > 0x10ffff || is_surrogate(code) || is_control(code)) return false;
    at += bytes;
  }
  return !text.empty();
}

void check_group_names(std::span<const std::string> names, const std::string& where) {
  if (names.size() > kMostColumns) fail(where, std::to_string(names.size()) + " group columns, at most 64 are allowed");
  for (std::size_t k = 0; k < names.size(); ++k) {
    if (!is_name(names[k]))
      fail(where, "the name of group column " + std::to_string(k) + " is empty, too long or no plain text without /");
  }
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
    fail(where, "two group columns have the same name");
}

void check_groups(std::span<const GroupColumn> groups, std::size_t rows, const std::string& where) {
  std::vector<std::string> names;
  for (const GroupColumn& column : groups) names.push_back(column.name);
  check_group_names(names, where);
  for (const GroupColumn& column : groups) {
    check_values(column, where + ": group column " + column.name);
    check_codes(column, rows, where + ": group column " + column.name);
  }
}

}  // namespace penumbra::data
