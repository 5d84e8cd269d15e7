#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace penumbra::data {

struct CsvRow {
  std::int64_t line = 0;  ///< 1-based line of the file
  std::vector<std::string> fields;
};

/// Reads a table with a header row, one row at a time (fer2013.csv has 300 MB). Lines end in LF or CRLF, blank ones are
/// skipped; fields may be quoted ("" is a quote) but not span lines; every row has as many fields as the header. Errors
/// are DataErrors that begin with FILE:LINE.
class CsvReader {
 public:
  explicit CsvReader(std::filesystem::path path);

  const std::vector<std::string>& header() const { return header_; }
  /// Index of a column; DataError when the header lacks it.
  std::size_t column(std::string_view name) const;
  /// The next row; false at the end of the file.
  bool next(CsvRow& row);
  /// The field as a whole number in [low, high].
  int integer(const CsvRow& row, std::size_t column, int low, int high) const;

  [[noreturn]] void fail(std::int64_t line, const std::string& what) const;

 private:
  bool read_fields(std::vector<std::string>& fields);
  std::vector<std::string> split(std::string_view text) const;

  std::filesystem::path path_;
  std::ifstream in_;
  std::int64_t line_ = 0;
  std::string text_;
  std::vector<std::string> header_;
};

}  // namespace penumbra::data
