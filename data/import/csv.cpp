#include "data/import/csv.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>

#include "data/error.h"

namespace penumbra::data {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

CsvReader::CsvReader(std::filesystem::path path) : path_(std::move(path)) {
  if (!std::filesystem::is_regular_file(path_)) throw DataError(path_.string() + ": no such file");
  in_.open(path_, std::ios::binary);
  if (!in_) throw DataError(path_.string() + ": cannot open: " + std::strerror(errno));
  if (!read_fields(header_)) fail(1, "the table is empty, expected a header row");
  if (std::set<std::string>(header_.begin(), header_.end()).size() != header_.size())
    fail(line_, "two columns have the same name, or the header row is missing");
}

void CsvReader::fail(std::int64_t line, const std::string& what) const {
  throw DataError(path_.string() + ":" + std::to_string(line) + ": " + what);
}

std::size_t CsvReader::column(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) fail(1, "the header has no column \"" + std::string(name) + "\"");
  return static_cast<std::size_t>(found - header_.begin());
}

bool CsvReader::next(CsvRow& row) {
  if (!read_fields(row.fields)) return false;
  row.line = line_;
  if (row.fields.size() != header_.size()) {
    fail(line_, std::to_string(row.fields.size()) + " fields, but the header has " + std::to_string(header_.size()));
  }
  return true;
}

bool CsvReader::read_fields(std::vector<std::string>& fields) {
  while (std::getline(in_, text_)) {
    ++line_;
    std::string_view text = text_;
    if (line_ == 1 && text.substr(0, kByteOrderMark.size()) == kByteOrderMark)
      text.remove_prefix(kByteOrderMark.size());
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (text.empty()) continue;
    fields = split(text);
    return true;
  }
  if (in_.bad()) fail(line_ + 1, "cannot read on");
  return false;
}

std::vector<std::string> CsvReader::split(std::string_view text) const {
  std::vector<std::string> fields(1);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == ',') {
      fields.emplace_back();
    } else if (text[at] != '"') {
      const std::size_t end = std::min(text.find_first_of(",\"", at), text.size());
      fields.back().append(text.substr(at, end - at));
      at = end - 1;
    } else if (!fields.back().empty()) {
      fail(line_, "a quote inside a field that is not quoted");
    } else {
      bool closed = false;
      for (++at; at < text.size() && !closed; ++at) {
        closed = text[at] == '"' && (at + 1 == text.size() || text[at + 1] != '"');
        if (closed) break;
        if (text[at] == '"') ++at;
        fields.back().push_back(text[at]);
      }
      if (!closed) fail(line_, "a quoted field is not closed on its line");
      if (at + 1 < text.size() && text[at + 1] != ',') fail(line_, "text after the closing quote of a field");
    }
  }
  return fields;
}

int CsvReader::integer(const CsvRow& row, std::size_t column, int low, int high) const {
  const std::string& text = row.fields[column];
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
    fail(row.line, header_[column] + " is \"" + text.substr(0, 40) + "\", expected a whole number from " +
                       std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

}  // namespace penumbra::data
