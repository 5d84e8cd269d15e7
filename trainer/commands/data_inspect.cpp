#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/contact_sheet.h"
#include "data/error.h"
#include "data/inspect.h"
#include "data/store/reader.h"
#include "trainer/commands/commands.h"

namespace penumbra::trainer {
namespace {

struct Arguments {
  std::string store, sheet, split;
  bool json = false;
};

constexpr int kSheetColumns = 12, kSheetRows = 2;

void print_inspection(const nlohmann::json& found) {
  for (const auto& [key, value] : found.items()) {
    if (key != "splits") fmt::print("{:<20} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  for (const auto& [split, content] : found.at("splits").items()) fmt::print("{:<20} {}\n", split, content.dump());
}

/// Returns the split that it shows.
std::string draw_sheet(const Arguments& a) {
  const data::StoreReader reader(a.store);
  std::vector<std::string> splits = reader.splits();
  if (!a.split.empty()) splits = {a.split};
  if (splits.empty()) throw data::DataError(a.store + ": has no split");
  data::write_png(a.sheet, data::contact_sheet(reader.open(splits.front()), kSheetColumns, kSheetRows));
  return splits.front();
}

void inspect(const Arguments& a) {
  const nlohmann::json found = data::inspect(a.store);
  const std::string split = a.sheet.empty() ? "" : draw_sheet(a);
  if (a.json) {
    fmt::print("{}\n", found.dump());
    return;
  }
  print_inspection(found);
  if (a.sheet.empty()) return;
  const auto classes = found.at("classes").get<std::vector<std::string>>();
  fmt::print("wrote {}: {}, from the top: {}\n", a.sheet, split, fmt::join(classes, ", "));
}

}  // namespace

void add_inspect(CLI::App& data) {
  auto a = std::make_shared<Arguments>();
  CLI::App* command = data.add_subcommand("inspect", "What a store holds");
  command->add_option("file", a->store, "HDF5 store")->required();
  command->add_flag("--json", a->json, "one JSON object");
  CLI::Option* sheet = command->add_option("--sheet", a->sheet, "also draw faces of each class to this PNG");
  command->add_option("--split", a->split, "what the sheet shows: train, val or test; the first there is")
      ->check(CLI::IsMember({"train", "val", "test"}))
      ->needs(sheet);
  command->footer("Example: penumbra data inspect faces.h5 --sheet faces.png");
  command->callback([a] { inspect(*a); });
}

}  // namespace penumbra::trainer
