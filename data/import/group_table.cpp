#include "data/import/group_table.h"

#include <unordered_map>
#include <utility>

#include "data/import/csv.h"
#include "data/import/word_lines.h"

namespace penumbra::data {
namespace {

/// An image by its id: whether the table has had it, and where its codes go.
struct Place {
  ListedImages* images;
  std::size_t row;
  bool seen;
};
using Places = std::unordered_map<std::string, Place>;

std::vector<std::string> column_names(const CsvReader& csv, const std::string& table) {
  const auto& header = csv.header();
  if (header.front() != "path" || header.size() < 2) csv.fail(1, "expected the header path,NAME,...");
  std::vector<std::string> names(header.begin() + 1, header.end());
  check_group_names(names, table + ":1");
  return names;
}

/// Every code is unknown still.
Places places_of(std::span<ListedImages* const> splits, const std::vector<std::string>& names) {
  Places places;
  for (ListedImages* images : splits) {
    const std::vector<std::int32_t> unknown(images->ids.size(), kUnknownGroup);
    for (const std::string& name : names) images->groups.push_back({name, {}, unknown});
    for (std::size_t row = 0; row < images->ids.size(); ++row)
      places.emplace(images->ids[row], Place{images, row, false});
  }
  return places;
}

Place& place_of(const CsvReader& csv, const CsvRow& row, Places& places) {
  const auto found = places.find(row.fields[0]);
  if (found == places.end()) csv.fail(row.line, quoted(row.fields[0]) + " is none of the images");
  if (std::exchange(found->second.seen, true)) csv.fail(row.line, row.fields[0] + " is there twice");
  return found->second;
}

void add_row(const CsvReader& csv, const CsvRow& row, Places& places, std::span<GroupValues> values) {
  const Place& place = place_of(csv, row, places);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::string& value = row.fields[1 + k];
    if (value.empty()) continue;
    if (!is_plain_text(value)) csv.fail(row.line, "the " + csv.header()[1 + k] + " is no plain text in UTF-8");
    place.images->groups[k].codes[place.row] = values[k].code_of(value);
  }
}

}  // namespace

void read_group_table(const std::filesystem::path& table, std::span<ListedImages* const> splits) {
  CsvReader csv(table);
  const auto names = column_names(csv, table.string());
  Places places = places_of(splits, names);
  std::vector<GroupValues> values(names.size());
  for (CsvRow row; csv.next(row);) add_row(csv, row, places, values);
  for (std::size_t k = 0; k < names.size(); ++k) {
    if (values[k].values().empty()) csv.fail(1, "the column " + names[k] + " is empty in every row; leave it out");
    for (ListedImages* images : splits) images->groups[k].values = values[k].values();
  }
}

}  // namespace penumbra::data
