#include "data/import/rafdb_people.h"

#include <cmath>
#include <span>

#include "data/error.h"
#include "data/import/word_lines.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLandmarks = 5;

/// In the order of their lines; a value's code is its place.
std::vector<GroupColumn> columns() {
  return {{"gender", {"male", "female"}, {}},
          {"race", {"Caucasian", "African-American", "Asian"}, {}},
          {"age", {"0-3", "4-19", "20-39", "40-69", "70+"}, {}}};
}

void check_landmark(const fs::path& file, const WordLine& line) {
  require_words(file, line, 2);
  for (const std::string& word : line.words) {
    double place = 0;
    if (!parse_whole(word, place) || !std::isfinite(place)) fail_at(file, line.line, quoted(word) + " is no landmark");
  }
}

std::int32_t read_code(const fs::path& file, const WordLine& line, const GroupColumn& column) {
  require_words(file, line, 1);
  const auto values = static_cast<std::int32_t>(column.values.size());
  const std::int32_t most = column.name == "gender" ? values : values - 1;  // a gender may be unsure
  std::int32_t code = 0;
  if (!parse_whole(line.words[0], code) || code < 0 || code > most) {
    fail_at(file, line.line,
            "the " + column.name + " is " + quoted(line.words[0]) + ", expected 0 to " + std::to_string(most));
  }
  return code < values ? code : kUnknownGroup;
}

void add_person(const fs::path& file, std::span<GroupColumn> people) {
  const std::vector<WordLine> lines = read_word_lines(file);
  if (lines.size() != kLandmarks + people.size()) {
    throw DataError(file.string() + ": " + std::to_string(lines.size()) +
                    " lines, expected 8: five landmarks, gender, race and age");
  }
  for (std::size_t i = 0; i < kLandmarks; ++i) check_landmark(file, lines[i]);
  for (std::size_t i = 0; i < people.size(); ++i)
    people[i].codes.push_back(read_code(file, lines[kLandmarks + i], people[i]));
}

}  // namespace

std::vector<GroupColumn> read_rafdb_people(const std::vector<fs::path>& files) {
  std::vector<GroupColumn> people = columns();
  for (const fs::path& file : files) add_person(file, people);
  return people;
}

}  // namespace penumbra::data
