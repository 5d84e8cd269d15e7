#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "comm/world.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/evaluated_run.h"
#include "trainer/commands/options.h"
#include "trainer/evaluation/compare_runs.h"
#include "trainer/evaluation/measures_json.h"
#include "trainer/exit_code.h"

namespace penumbra::trainer {
namespace {

struct Arguments {
  std::vector<std::string> runs, a, b;
  ModelArguments model;
  SplitArguments split;
  int resamples = BootstrapOptions{}.resamples;
  bool json = false;
};

/// What the first run was measured on, and all others have to be.
struct Reference {
  std::string run;
  std::vector<std::string> classes;
  std::uint64_t faces = 0;  ///< fingerprint
};

/// Every run's columns, before and after its temperature.
struct Side {
  std::vector<FaceColumns> plain, calibrated;
};

/// RUN_A RUN_B is --a RUN_A --b RUN_B.
void settle_sides(Arguments& arguments) {
  const bool pair = arguments.runs.size() == 2 && arguments.a.empty() && arguments.b.empty();
  const bool sides = arguments.runs.empty() && !arguments.a.empty() && !arguments.b.empty();
  if (!pair && !sides)
    throw ConfigError("compare: name two runs, RUN_A RUN_B, or those of each side, --a RUN... --b RUN...");
  if (!pair) return;
  arguments.a = {arguments.runs[0]};
  arguments.b = {arguments.runs[1]};
}

void check_comparable(const EvaluatedRun& run, const std::string& name, std::optional<Reference>& reference) {
  const std::uint64_t faces = data::fingerprint(run.set);
  if (!reference) reference = {name, run.model->info.classes, faces};
  if (run.model->info.classes != reference->classes) {
    throw ConfigError(fmt::format("{}: its classes are {}, those of {} are {}: only runs of the same classes compare",
                                  name, fmt::join(run.model->info.classes, ", "), reference->run,
                                  fmt::join(reference->classes, ", ")));
  }
  if (faces != reference->faces) {
    throw ConfigError(
        fmt::format("{}: its data.class_map makes other faces of the split than that of {}: give both one "
                    "with --class-map",
                    name, reference->run));
  }
}

Side measure_side(const std::vector<std::string>& names, const Arguments& arguments, comm::World& world,
                  std::optional<Reference>& reference) {
  Side side;
  for (const std::string& name : names) {
    ModelArguments model = arguments.model;
    model.run = name;
    EvaluatedRun run;
    const auto load = [&] {
      run = load_run(model, arguments.split);
      check_comparable(run, name, reference);
    };
    world.all_or_none(load, exit_code_of);
    RunColumns columns = columns_of(run, posterior_of(run, world));
    side.plain.push_back(std::move(columns.plain));
    side.calibrated.push_back(std::move(columns.calibrated));
  }
  return side;
}

nlohmann::json compare(const Arguments& arguments, const Side& a, const Side& b, int threads) {
  BootstrapOptions options;
  options.resamples = arguments.resamples;
  options.threads = threads;
  std::vector<Difference> plain = compare_runs(a.plain, b.plain, options);
  std::erase_if(plain, [](const Difference& d) { return d.name == "ceiling_accuracy"; });  // of the faces, not the runs
  std::vector<Difference> calibrated = compare_runs(a.calibrated, b.calibrated, options);
  std::erase_if(calibrated, [](const Difference& d) { return !is_of_probabilities(d.name); });
  return {{"a", arguments.a},
          {"b", arguments.b},
          {"split", arguments.split.split},
          {"count", a.plain[0].faces},
          {"resamples", arguments.resamples},
          {"measures", to_json(plain)},
          {"calibrated", to_json(calibrated)}};
}

void print_rows(const nlohmann::json& measures, const std::string& suffix) {
  for (const auto& [name, row] : measures.items()) {
    if (row["difference"].is_null()) continue;
    const nlohmann::json& interval = row["interval"];
    fmt::print("{:<24} {:>8.4f} {:>8.4f} {:>+8.4f}  [{:+.4f}, {:+.4f}]  {:.3f}\n", name + suffix,
               row["a"].get<double>(), row["b"].get<double>(), row["difference"].get<double>(),
               interval[0].get<double>(), interval[1].get<double>(), row["p"].get<double>());
  }
}

void print_table(const nlohmann::json& result) {
  fmt::print("{:<24} {:>8} {:>8} {:>8}  {:<18}  p\n", "measure", "A", "B", "A - B", "95 % interval");
  print_rows(result["measures"], "");
  print_rows(result["calibrated"], "_calibrated");
}

void run_compare(Arguments& arguments) {
  settle_sides(arguments);
  comm::World world;
  std::optional<Reference> reference;
  const Side a = measure_side(arguments.a, arguments, world, reference);
  const Side b = measure_side(arguments.b, arguments, world, reference);
  if (world.rank() != 0) return;
  run_or_abort(world, [&] {
    const nlohmann::json result = compare(arguments, a, b, world.cores());
    if (arguments.json) {
      fmt::print("{}\n", result.dump());
    } else {
      print_table(result);
    }
  });
}

}  // namespace

void add_compare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("compare", "Differences of two runs, or methods of several seeds, on the same faces");
  command->add_option("runs", arguments->runs, "RUN_A RUN_B")->expected(0, 2);
  command->add_option("--a", arguments->a, "run folders of one side");
  command->add_option("--b", arguments->b, "run folders of the other side");
  add_weights_options(*command, arguments->model);
  add_split_options(*command, arguments->split);
  add_resamples_option(*command, arguments->resamples, 1);
  command->add_flag("--json", arguments->json, "one JSON object");
  command->footer("Example: penumbra compare --a runs/full-1 runs/full-2 --b runs/ce-1 runs/ce-2 --data faces.h5");
  command->callback([arguments] { run_compare(*arguments); });
}

}  // namespace penumbra::trainer
