#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "trainer/commands/commands.h"

namespace penumbra::trainer {
namespace {

constexpr std::string_view kExample = "Example: ";

/// Calls visit("data import", app) for each subcommand below `app`, in the order of --help, a group before its own.
void for_each_subcommand(const CLI::App& app, const std::string& path,
                         const std::function<void(const std::string&, const CLI::App&)>& visit) {
  for (const CLI::App* below : app.get_subcommands({})) {
    const std::string name = path.empty() ? below->get_name() : fmt::format("{} {}", path, below->get_name());
    visit(name, *below);
    for_each_subcommand(*below, name, visit);
  }
}

bool is_group(const CLI::App& command) { return !command.get_subcommands({}).empty(); }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// A text that may hold the sign between two cells.
std::string cell(const std::string& text) { return replaced(text, "|", "\\|"); }

std::string code(const std::string& text) { return text.empty() ? "" : fmt::format("`{}`", cell(text)); }

/// `-n`, `--np`; what has no dashes is told by its place.
std::string names_of(const CLI::Option& option) {
  return code(replaced(option.get_name(/*positional=*/option.get_positional(), /*all_options=*/true), ",", "`, `"));
}

/// What is allowed, where a check says so, or else the type; nothing for a flag.
std::string allowed(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return "";
  std::string text = option.get_type_name();
  if (const std::size_t check = text.find(':'); check != std::string::npos) text.erase(0, check + 1);
  for (const auto& [from, to] :
       {std::pair("UINT", "integer"), std::pair("INT", "integer"), std::pair("FLOAT", "number"),
        std::pair("TEXT", "text"), std::pair("{", ""), std::pair("}", ""), std::pair(",", ", ")})
    text = replaced(text, from, to);
  return cell(text);
}

std::string table_of(const CLI::App& command) {
  std::string rows;
  for (const CLI::Option* option : command.get_options()) {
    if (option == command.get_help_ptr()) continue;
    const std::string preset = option->get_required() ? "required" : code(option->get_default_str());
    rows += fmt::format("| {} | {} | {} | {} |\n", names_of(*option), allowed(*option), preset,
                        cell(option->get_description()));
  }
  return rows.empty() ? "" : fmt::format("| argument | allowed | default | meaning |\n|---|---|---|---|\n{}\n", rows);
}

/// What --help has below the options; its last line is an example.
std::string closing_of(const CLI::App& command) {
  const std::string footer = command.get_footer();
  const std::size_t example = footer.find(kExample);
  if (example == std::string::npos) return footer.empty() ? "" : footer + "\n\n";
  const std::string before = footer.substr(0, example);
  return fmt::format("{}{}```sh needs=files\n{}\n```\n\n", before, before.empty() ? "" : "\n",
                     footer.substr(example + kExample.size()));
}

std::string reference_of(const CLI::App& app) {
  std::string index, sections;
  for_each_subcommand(app, "", [&](const std::string& name, const CLI::App& command) {
    if (is_group(command)) return;
    index += fmt::format("| [{}](#{}) | {} |\n", name, replaced(name, " ", "-"), cell(command.get_description()));
    sections +=
        fmt::format("## {}\n\n{}.\n\n{}{}", name, command.get_description(), table_of(command), closing_of(command));
  });
  sections.pop_back();
  return fmt::format(
      "# All subcommands\n\nPrinted by `penumbra commands`; `penumbra COMMAND --help` has the same of one.\n\n"
      "Exit codes: 0 done, 1 failure, 2 usage or configuration, 3 data, 4 communication, 75 stopped on request after a "
      "checkpoint. Each failure is one line on stderr.\n\n"
      "| command | |\n|---|---|\n{}\n{}",
      index, sections);
}

}  // namespace

void add_commands(CLI::App& app) {
  CLI::App* command = app.add_subcommand("commands", "Print the reference of all subcommands");
  command->footer("Example: penumbra commands");
  command->callback([&app] { fmt::print("{}", reference_of(app)); });
}

}  // namespace penumbra::trainer
