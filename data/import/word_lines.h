#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace penumbra::data {

struct WordLine {
  std::int64_t line = 0;  ///< 1-based line of the file
  std::vector<std::string> words;
};

/// The lines of a text file as words between blanks and tabs; blank lines are skipped, LF or CRLF ends a line. A line
/// of another number of words than `words` is a DataError with file and line, as is a file that cannot be read.
std::vector<WordLine> read_word_lines(const std::filesystem::path& file, std::size_t words);

/// "FILE:LINE: what" as a DataError.
[[noreturn]] void fail_at(const std::filesystem::path& file, std::int64_t line, const std::string& what);

}  // namespace penumbra::data
