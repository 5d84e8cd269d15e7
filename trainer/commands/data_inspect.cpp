#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "data/contact_sheet.h"
#include "data/error.h"
#include "data/inspect.h"
#include "data/store/reader.h"
#include "data/store/schema.h"
#include "trainer/commands/commands.h"

namespace penumbra::trainer {
namespace {

struct DataInspectArguments {
  std::string store, sheet, split;
  bool json = false;
};

constexpr int kSheetColumns = 12, kSheetRows = 2;

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

/// `votes`: null where there are none.
void print_row(const std::string& name, std::int64_t faces, std::int64_t all, const nlohmann::json& votes) {
  const double share = static_cast<double>(faces) / static_cast<double>(all);
  fmt::print("  {:<18}{:>10}{:>10}", name, faces, percent(share));
  if (!votes.is_null()) {
    fmt::print("{:>11}{:>11}{:>10}{:>9.3f}", percent(votes.at("agreement")), percent(votes.at("unanimous")),
               percent(votes.at("majority")), votes.at("mean_entropy").get<double>());
  }
  fmt::print("\n");
}

/// E.g. "gender: male 12, female 10, unknown 3".
void print_groups(const nlohmann::json& groups) {
  for (const auto& [name, column] : groups.items()) {
    fmt::print("  {}: ", name);
    if (column.at("faces").is_null()) fmt::print("{} values, ", column.at("values").get<std::int64_t>());
    for (const nlohmann::json& value : column.at("faces"))
      fmt::print("{} {}, ", value.at(0).get<std::string>(), value.at(1).get<std::int64_t>());
    fmt::print("unknown {}\n", column.at("unknown").get<std::int64_t>());
  }
}

void print_split(const std::string& name, const nlohmann::json& split, const std::vector<std::string>& classes) {
  const std::int64_t all = split.at("count");
  const nlohmann::json &votes = split.at("votes"), &noise = split.at("label_noise");
  fmt::print("\n{}: {} faces, fingerprint {}{}{}\n", name, all, split.at("fingerprint").get<std::string>(),
             split.at("distribution").get<bool>() ? ", with true distributions" : "",
             noise.is_null() ? "" : fmt::format(", {} of the labels wrong", percent(noise)));
  fmt::print("  {:<18}{:>10}{:>10}", "", "faces", "share");
  if (!votes.is_null()) fmt::print("{:>11}{:>11}{:>10}{:>9}", "agreement", "unanimous", "majority", "entropy");
  fmt::print("\n");
  for (const std::string& c : classes)
    print_row(c, split.at("class_counts").at(c), all, votes.is_null() ? votes : votes.at("classes").at(c));
  print_row("all", all, all, votes);
  print_groups(split.at("groups"));
}

void print_inspection(const nlohmann::json& found) {
  for (const char* key : {"file", "version", "source", "label_rule", "image_size", "channels", "variants"}) {
    const nlohmann::json& value = found.at(key);
    fmt::print("{:<20}{}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  for (const char* key : {"classes", "vote_columns"})
    fmt::print("{:<20}{}\n", key, fmt::join(found.at(key).get<std::vector<std::string>>(), ", "));
  const auto classes = found.at("classes").get<std::vector<std::string>>();
  for (const char* split : data::kSplits)
    if (found.at("splits").contains(split)) print_split(split, found.at("splits").at(split), classes);
}

/// Returns the split that it shows.
std::string draw_sheet(const DataInspectArguments& a) {
  const data::StoreReader reader(a.store);
  std::vector<std::string> splits = reader.splits();
  if (!a.split.empty()) splits = {a.split};
  if (splits.empty()) throw data::DataError(a.store + ": has no split");
  data::write_png(a.sheet, data::contact_sheet(reader.open(splits.front()), kSheetColumns, kSheetRows));
  return splits.front();
}

void inspect(const DataInspectArguments& a) {
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
  auto a = std::make_shared<DataInspectArguments>();
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
