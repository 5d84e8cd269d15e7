#include "comm/agreement.h"

#include <sstream>

namespace penumbra::comm {
namespace {

constexpr std::size_t kLongestQuote = 100;

std::string quote(bool there, const std::string& line) {
  if (!there) return "nothing more";
  return "'" + (line.size() <= kLongestQuote ? line : line.substr(0, kLongestQuote) + "...") + "'";
}

}  // namespace

std::string first_difference(const std::string& mine, const std::string& theirs) {
  if (mine == theirs) return "";
  std::istringstream my_lines(mine), their_lines(theirs);
  std::string my_line, their_line;
  while (true) {
    const bool here = static_cast<bool>(std::getline(my_lines, my_line));
    const bool there = static_cast<bool>(std::getline(their_lines, their_line));
    if (!here && !there) return "has other line ends than rank 0";
    if (here != there || my_line != their_line) {
      return "has " + quote(here, my_line) + " where rank 0 has " + quote(there, their_line);
    }
  }
}

std::string disagreement(const std::string& what, const std::vector<std::string>& differences) {
  std::string ranks, first;
  std::size_t count = 0;
  for (std::size_t rank = 0; rank < differences.size(); ++rank) {
    if (differences[rank].empty()) continue;
    if (count++ == 0) first = "rank " + std::to_string(rank) + " " + differences[rank];
    ranks += (ranks.empty() ? "" : ", ") + std::to_string(rank);
  }
  return "the " + what + " of rank" + (count == 1 ? " " : "s ") + ranks + " differs from rank 0's: " + first +
         "; start every rank with the same arguments and files";
}

}  // namespace penumbra::comm
