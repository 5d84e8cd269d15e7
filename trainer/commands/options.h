#pragma once

#include <string>
#include <vector>

#include <fmt/ranges.h>

namespace CLI {
class App;
}

namespace penumbra::trainer {

/// Formats the default of a list for the reference of commands, e.g. "[1,2,3]". CLI11's own text depends on which
/// operator<< the unit includes.
template <typename T>
std::string list_text(const std::vector<T>& values) {
  return fmt::format("[{}]", fmt::join(values, ","));
}

/// Which trained model a command works with.
struct ModelArguments {
  std::string run, head, weights;
};

/// RUN, --head and --weights.
void add_model_options(CLI::App& command, ModelArguments& model);
/// --head and --weights alone.
void add_weights_options(CLI::App& command, ModelArguments& model);

/// Which faces a trained model is measured on.
struct SplitArguments {
  std::string split = "test";
  std::vector<std::string> files, class_map;
};

/// --data, --split and --class-map.
void add_split_options(CLI::App& command, SplitArguments& split);

/// --resamples, of the bootstrap.
void add_resamples_option(CLI::App& command, int& resamples, int least);

/// --class-map OLD=NEW ..., for data::parse_class_map.
void add_class_map_option(CLI::App& command, std::vector<std::string>& lines);

/// CONFIG..., for load_config.
void add_config_option(CLI::App& command, std::vector<std::string>& configs);

/// What `penumbra train` is told.
struct TrainArguments {
  std::vector<std::string> configs, sets, faults;
  bool dry_run = false, overwrite = false;
  std::string resume = "auto", profile;
};

/// CONFIG..., --set, --dry-run, --overwrite, --resume, --profile and --fault.
void add_train_options(CLI::App& command, TrainArguments& arguments);

/// How `penumbra launch` starts a run.
struct LaunchArguments {
  int ranks = 1, restarts = 10;
  std::string mpirun = "--bind-to none";
};

/// -n or --np, --restarts and --mpirun.
void add_launch_options(CLI::App& command, LaunchArguments& launch);

/// --set section.key=value, any number of times.
void add_set_option(CLI::App& command, std::vector<std::string>& sets);

}  // namespace penumbra::trainer
