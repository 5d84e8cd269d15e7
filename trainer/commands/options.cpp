#include "trainer/commands/options.h"

#include <CLI/CLI.hpp>

namespace penumbra::trainer {

void add_model_options(CLI::App& command, ModelArguments& model) {
  command.add_option("run", model.run, "run folder")->required();
  command.add_option("--head", model.head, "original, ambiguous or mean; default: the run's predict.head")
      ->check(CLI::IsMember({"original", "ambiguous", "mean"}));
  command
      .add_option("--weights", model.weights, "best or final; default: the best, where there was a validation split")
      ->check(CLI::IsMember({"best", "final"}));
}

void add_class_map_option(CLI::App& command, std::vector<std::string>& lines) {
  command.add_option("--class-map", lines,
                     "OLD=NEW ...: what classes of the stores become, by name; OLD= leaves their faces out");
}

void add_config_option(CLI::App& command, std::vector<std::string>& configs) {
  command.add_option("configs", configs, "TOML files; later ones win")->required();
}

void add_set_option(CLI::App& command, std::vector<std::string>& sets) {
  command.add_option("--set", sets, "section.key=value, over the file")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
}

}  // namespace penumbra::trainer
