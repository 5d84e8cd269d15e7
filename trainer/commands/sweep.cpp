#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "comm/world.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/measured_method.h"
#include "trainer/commands/options.h"
#include "trainer/config.h"
#include "trainer/evaluation/measures.h"
#include "trainer/exit_code.h"
#include "trainer/launch/supervised.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {
namespace {

namespace fs = std::filesystem;

/// The measures of the table; those of probabilities are taken after the temperature.
constexpr std::array kShown = {"accuracy", "ece", "nll", "kl_human", "spearman_entropy", "auroc_error"};

struct SweepArguments {
  std::string folder;
  std::vector<std::string> configs, ablations, sets;
  std::vector<std::uint64_t> seeds = {1, 2, 3};
  LaunchArguments launch;
  ModelArguments model;
  SplitArguments split;
};

std::string name_of_ablation(const std::string& file) { return fs::path(file).stem().string(); }

std::string run_folder(const SweepArguments& arguments, const std::string& ablation, std::uint64_t seed) {
  return (fs::path(arguments.folder) / name_of_ablation(ablation) / fmt::format("seed-{}", seed)).string();
}

/// A start of `penumbra launch` that trains one run, or says that it is finished.
std::vector<std::string> words_of(const SweepArguments& arguments, const std::string& ablation, std::uint64_t seed) {
  std::vector<std::string> words = {fs::read_symlink("/proc/self/exe").string(), "launch"};
  words.insert(words.end(), {"--np", std::to_string(arguments.launch.ranks), "--restarts",
                             std::to_string(arguments.launch.restarts)});
  words.insert(words.end(), {"--mpirun", arguments.launch.mpirun, "--", "train"});
  words.insert(words.end(), arguments.configs.begin(), arguments.configs.end());
  words.push_back(ablation);
  for (const std::string& set : arguments.sets) words.insert(words.end(), {"--set", set});
  words.insert(words.end(), {"--set", fmt::format("run.seed={}", seed)});
  words.insert(words.end(), {"--set", "run.dir=" + run_folder(arguments, ablation, seed)});
  return words;
}

/// Wrong words are found before the first run, not in the middle of a night.
void check(const SweepArguments& arguments) {
  std::vector<std::string> names;
  for (const std::string& file : arguments.ablations) {
    std::vector<std::string> files = arguments.configs;
    files.push_back(file);
    load_config(files, arguments.sets);
    names.push_back(name_of_ablation(file));
  }
  std::sort(names.begin(), names.end());
  if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    throw ConfigError(fmt::format("sweep: two ablations are called {}", *twice));
}

/// Trains what is not finished, seed by seed, so that what there is compares at any time.
void train_all(const SweepArguments& arguments) {
  Supervised supervised;
  std::vector<std::string> failed;
  int first_code = kDone;
  for (const std::uint64_t seed : arguments.seeds) {
    for (const std::string& ablation : arguments.ablations) {
      const std::string folder = run_folder(arguments, ablation, seed);
      if (RunFolder(folder).finished()) continue;
      fmt::print("sweep: {}\n", folder);
      std::fflush(stdout);
      const int code = supervised.run(words_of(arguments, ablation, seed), {});
      if (code == kStopped || supervised.asked_to_stop()) throw comm::PeerFailure(kStopped);
      if (code == kDone) continue;
      failed.push_back(fmt::format("{} (exit code {})", folder, code));
      if (first_code == kDone) first_code = code;
    }
  }
  if (failed.empty()) return;
  fmt::print(stderr, "penumbra: error: sweep: these runs failed: {}; the same command tries them again\n",
             fmt::join(failed, ", "));
  throw comm::PeerFailure(first_code);
}

std::vector<std::string> runs_of(const SweepArguments& arguments, const std::string& ablation) {
  std::vector<std::string> runs;
  for (const std::uint64_t seed : arguments.seeds) runs.push_back(run_folder(arguments, ablation, seed));
  return runs;
}

/// Each ablation against the first one, as compare_methods() has it.
nlohmann::json compare_all(const SweepArguments& arguments, comm::World& world) {
  BootstrapOptions options;
  options.threads = world.cores();
  MethodMeasurer measurer(arguments.model, arguments.split, world);
  std::vector<MeasuredMethod> methods;
  for (const std::string& ablation : arguments.ablations)
    methods.push_back(measurer.measure(runs_of(arguments, ablation)));
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t i = 0; i < methods.size(); ++i) {
    nlohmann::json row = compare_methods(methods[i], methods.front(), options);
    row["ablation"] = name_of_ablation(arguments.ablations[i]);
    rows.push_back(std::move(row));
  }
  return {{"reference", name_of_ablation(arguments.ablations.front())},
          {"seeds", arguments.seeds},
          {"data", arguments.split.files},
          {"split", arguments.split.split},
          {"ablations", std::move(rows)}};
}

std::string cell(const nlohmann::json& row, const std::string& measure, bool is_reference) {
  const nlohmann::json& found = row.at(is_of_probabilities(measure) ? "calibrated" : "measures").at(measure);
  if (found.at("a").is_null()) return "";
  if (is_reference || found.at("difference").is_null()) return fmt::format("{:.4f}", found.at("a").get<double>());
  return fmt::format("{:.4f} ({:+.4f}, p {:.3f})", found.at("a").get<double>(), found.at("difference").get<double>(),
                     found.at("p").get<double>());
}

/// Markdown; in brackets the difference from the first ablation.
std::string table_of(const nlohmann::json& result) {
  std::string header = "| ablation |", line = "|---|";
  for (const std::string measure : kShown) {
    header += fmt::format(" {}{} |", measure, is_of_probabilities(measure) ? ", calibrated" : "");
    line += "---|";
  }
  std::string text = fmt::format("{}\n{}\n", header, line);
  const auto reference = result.at("reference").get<std::string>();
  for (const nlohmann::json& row : result.at("ablations")) {
    const auto name = row.at("ablation").get<std::string>();
    text += fmt::format("| {} |", name);
    for (const char* measure : kShown) text += fmt::format(" {} |", cell(row, measure, name == reference));
    text += "\n";
  }
  return text;
}

void run_sweep(const SweepArguments& arguments) {
  check(arguments);
  train_all(arguments);
  if (arguments.split.files.empty()) return;
  comm::World world;
  run_or_abort(world, [&] {
    const nlohmann::json result = compare_all(arguments, world);
    const std::string table = table_of(result);
    write_file(fs::path(arguments.folder) / "sweep.json", result.dump(2) + "\n");
    write_file(fs::path(arguments.folder) / "sweep.md", table);
    fmt::print("{}", table);
  });
}

}  // namespace

void add_sweep(CLI::App& app) {
  auto arguments = std::make_shared<SweepArguments>();
  CLI::App* command = app.add_subcommand("sweep", "Trains ablations times seeds, and compares them");
  command->add_option("folder", arguments->folder, "where ABLATION/seed-N, sweep.json and sweep.md go")->required();
  add_config_option(*command, arguments->configs);
  command
      ->add_option("--ablation", arguments->ablations, "TOML files over the configuration; the first is the reference")
      ->required();
  command->add_option("--seed", arguments->seeds, "seeds")->default_str(list_text(arguments->seeds));
  add_launch_options(*command, arguments->launch);
  add_set_option(*command, arguments->sets);
  add_weights_options(*command, arguments->model);
  add_split_options(*command, arguments->split);
  command->get_option("--data")->required(false)->description("HDF5 stores to compare on; without: train only");
  command->footer(
      "The same command goes on where it was stopped, and adds what is new.\n"
      "Example: penumbra sweep runs/study configs/demo.toml --ablation configs/ablations/full.toml "
      "configs/ablations/ce_only.toml --seed 1 2 3 --np 2 --set data.files='[\"faces.h5\"]' --data faces.h5");
  command->callback([arguments] { run_sweep(*arguments); });
}

}  // namespace penumbra::trainer
