#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace penumbra::trainer {

/// Which trained model a command works with.
struct ModelArguments {
  std::string run, head, weights;
};

/// RUN, --head and --weights.
void add_model_options(CLI::App& command, ModelArguments& model);

/// --class-map OLD=NEW ..., for data::parse_class_map.
void add_class_map_option(CLI::App& command, std::vector<std::string>& lines);

/// CONFIG..., for load_config.
void add_config_option(CLI::App& command, std::vector<std::string>& configs);

/// --set section.key=value, any number of times.
void add_set_option(CLI::App& command, std::vector<std::string>& sets);

}  // namespace penumbra::trainer
