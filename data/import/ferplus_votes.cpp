#include "data/import/ferplus_votes.h"

#include <algorithm>
#include <numeric>

#include "data/import/csv.h"

namespace penumbra::data {
namespace {

constexpr int kMostVotes = 1000;

void check_kept(const CsvReader& csv, const FerplusRow& row) {
  if (row.image.empty()) csv.fail(row.line, "the label rule keeps this row, but it names no image");
  if (std::accumulate(row.votes.begin(), row.votes.begin() + kFerplusClasses, 0) == 0)
    csv.fail(row.line, row.image + " has no vote for any of the eight emotions");
}

}  // namespace

std::optional<std::size_t> split_of_usage(const std::string& usage) {
  const auto found = std::find_if(kFerplusSplits.begin(), kFerplusSplits.end(),
                                  [&](const FerplusSplit& split) { return usage == split.usage; });
  if (found == kFerplusSplits.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kFerplusSplits.begin());
}

std::vector<FerplusRow> read_ferplus_rows(const std::filesystem::path& file, LabelRule rule) {
  CsvReader csv(file);
  const std::size_t usage = csv.column("Usage"), image = csv.column("Image name");
  std::array<std::size_t, kFerplusColumns.size()> columns{};
  std::transform(kFerplusColumns.begin(), kFerplusColumns.end(), columns.begin(),
                 [&](const char* name) { return csv.column(name); });
  std::vector<FerplusRow> rows;
  for (CsvRow fields; csv.next(fields);) {
    FerplusRow row;
    row.line = fields.line;
    const auto split = split_of_usage(fields.fields[usage]);
    if (!split)
      csv.fail(row.line, "Usage is \"" + fields.fields[usage] + "\", not Training, PublicTest or PrivateTest");
    row.split = *split;
    row.image = fields.fields[image];
    std::transform(columns.begin(), columns.end(), row.votes.begin(),
                   [&](std::size_t column) { return csv.integer(fields, column, 0, kMostVotes); });
    row.label = hard_label(row.votes, kFerplusClasses, rule);
    if (row.label) check_kept(csv, row);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace penumbra::data
