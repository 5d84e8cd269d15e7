#include "data/import/word_lines.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "data/error.h"

namespace penumbra::data {

void fail_at(const std::filesystem::path& file, std::int64_t line, const std::string& what) {
  throw DataError(file.string() + ":" + std::to_string(line) + ": " + what);
}

std::string quoted(const std::string& word) { return std::string("\"").append(word, 0, 40).append("\""); }

void require_words(const std::filesystem::path& file, const WordLine& line, std::size_t words) {
  if (line.words.size() != words)
    fail_at(file, line.line, std::to_string(line.words.size()) + " words, expected " + std::to_string(words));
}

std::vector<WordLine> read_word_lines(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file)) throw DataError(file.string() + ": no such file");
  std::ifstream in(file);
  if (!in) throw DataError(file.string() + ": cannot open: " + std::strerror(errno));
  std::vector<WordLine> lines;
  std::int64_t number = 0;
  for (std::string text; std::getline(in, text);) {
    WordLine line{++number, {}};
    std::istringstream stream(text);  // a CR is a blank to it
    for (std::string word; stream >> word;) line.words.push_back(word);
    if (line.words.empty()) continue;
    lines.push_back(std::move(line));
  }
  if (in.bad()) fail_at(file, number + 1, "cannot read on");
  return lines;
}

std::vector<WordLine> read_word_lines(const std::filesystem::path& file, std::size_t words) {
  std::vector<WordLine> lines = read_word_lines(file);
  for (const WordLine& line : lines) require_words(file, line, words);
  return lines;
}

}  // namespace penumbra::data
