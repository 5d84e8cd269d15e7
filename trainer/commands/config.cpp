#include "trainer/config.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "trainer/commands/commands.h"
#include "trainer/commands/options.h"

namespace penumbra::trainer {
namespace {

struct ConfigArguments {
  std::vector<std::string> files;
  std::vector<std::string> sets;
};

}  // namespace

void add_config(CLI::App& app) {
  auto arguments = std::make_shared<ConfigArguments>();
  CLI::App* command = app.add_subcommand("config", "Print the reference of all keys, or FILES resolved and checked");
  command->add_option("files", arguments->files, "TOML files to resolve; later ones win");
  add_set_option(*command, arguments->sets);
  command->footer("Example: penumbra config configs/demo.toml --set train.epochs=3");
  command->callback([arguments] {
    if (arguments->files.empty()) {
      fmt::print("# Configuration\n\nPrinted by `penumbra config`.\n\n{}", config_reference());
    } else {
      fmt::print("{}", to_toml(load_config(arguments->files, arguments->sets)));
    }
  });
}

}  // namespace penumbra::trainer
