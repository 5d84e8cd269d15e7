#include "trainer/commands/options.h"

#include <CLI/CLI.hpp>

namespace penumbra::trainer {

void add_model_options(CLI::App& command, ModelArguments& model) {
  command.add_option("run", model.run, "run folder")->required();
  add_weights_options(command, model);
}

void add_weights_options(CLI::App& command, ModelArguments& model) {
  command.add_option("--head", model.head, "original, ambiguous or mean; default: the run's predict.head")
      ->check(CLI::IsMember({"original", "ambiguous", "mean"}));
  command
      .add_option("--weights", model.weights, "best or final; default: the best, where there was a validation split")
      ->check(CLI::IsMember({"best", "final"}));
}

void add_split_options(CLI::App& command, SplitArguments& split) {
  command.add_option("--data", split.files, "HDF5 stores")->required();
  command.add_option("--split", split.split, "train, val or test")
      ->check(CLI::IsMember({"train", "val", "test"}))
      ->capture_default_str();
  add_class_map_option(command, split.class_map);
}

void add_resamples_option(CLI::App& command, int& resamples, int least) {
  constexpr int kMost = 1'000'000;
  command.add_option("--resamples", resamples, "bootstrap resamples behind each 95 % interval")
      ->check(CLI::Range(least, kMost))
      ->capture_default_str();
}

void add_class_map_option(CLI::App& command, std::vector<std::string>& lines) {
  command.add_option("--class-map", lines,
                     "OLD=NEW ...: what classes of the stores become, by name; OLD= leaves their faces out");
}

void add_config_option(CLI::App& command, std::vector<std::string>& configs) {
  command.add_option("configs", configs, "TOML files; later ones win")->required();
}

void add_train_options(CLI::App& command, TrainArguments& arguments) {
  add_config_option(command, arguments.configs);
  add_set_option(command, arguments.sets);
  command.add_flag("--dry-run", arguments.dry_run, "one step of everything, nothing kept");
  command.add_flag("--overwrite", arguments.overwrite, "replace the run that run.dir holds");
  command
      .add_option("--resume", arguments.resume,
                  "auto: go on where run.dir's newest whole checkpoint is; never; or a checkpoint's folder")
      ->capture_default_str();
  command.add_option("--profile", arguments.profile, "write a Chrome trace of rank 0 to this file");
  command
      .add_option("--fault", arguments.faults,
                  "fail on purpose: rank=1,step=37,kind=kill|stop|nan|throw|slow|enospc|eio|corrupt, and where: "
                  "at=step, or in a checkpoint at=shard|shard-written|manifest|rename|published; start=0; seconds=1")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
}

void add_launch_options(CLI::App& command, LaunchArguments& launch) {
  command.add_option("-n,--np", launch.ranks, "ranks")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  command.add_option("--restarts", launch.restarts, "of a run that loses a rank, at most so many")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  command.add_option("--mpirun", launch.mpirun, "further options of mpirun, as one text")->capture_default_str();
}

void add_set_option(CLI::App& command, std::vector<std::string>& sets) {
  command.add_option("--set", sets, "section.key=value, over the file")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
}

}  // namespace penumbra::trainer
