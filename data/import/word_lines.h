#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace penumbra::data {

struct WordLine {
  std::int64_t line = 0;  ///< 1-based line of the file
  std::vector<std::string> words;
};

/// The lines of a text file as words between blanks and tabs; blank lines are skipped, LF or CRLF ends a line. A file
/// that cannot be read is a DataError.
std::vector<WordLine> read_word_lines(const std::filesystem::path& file);
/// The same, each line of so many words.
std::vector<WordLine> read_word_lines(const std::filesystem::path& file, std::size_t words);

/// Another number of words than `words` is a DataError with file and line.
void require_words(const std::filesystem::path& file, const WordLine& line, std::size_t words);

/// Whether the whole text is a number that the type holds.
template <typename Number>
bool parse_whole(const std::string& text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// The first 40 bytes of a word in quotes, for a message.
std::string quoted(const std::string& word);

/// "FILE:LINE: what" as a DataError.
[[noreturn]] void fail_at(const std::filesystem::path& file, std::int64_t line, const std::string& what);

}  // namespace penumbra::data
