#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "comm/world.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/measured_method.h"
#include "trainer/commands/options.h"
#include "trainer/evaluation/bootstrap.h"
#include "trainer/exit_code.h"

namespace penumbra::trainer {
namespace {

struct CompareArguments {
  std::vector<std::string> runs, a, b;
  ModelArguments model;
  SplitArguments split;
  int resamples = BootstrapOptions{}.resamples;
  bool json = false;
};

/// RUN_A RUN_B is --a RUN_A --b RUN_B.
void settle_sides(CompareArguments& arguments) {
  const bool pair = arguments.runs.size() == 2 && arguments.a.empty() && arguments.b.empty();
  const bool sides = arguments.runs.empty() && !arguments.a.empty() && !arguments.b.empty();
  if (!pair && !sides)
    throw ConfigError("compare: name two runs, RUN_A RUN_B, or those of each side, --a RUN... --b RUN...");
  if (!pair) return;
  arguments.a = {arguments.runs[0]};
  arguments.b = {arguments.runs[1]};
}

nlohmann::json compare(const CompareArguments& arguments, const MeasuredMethod& a, const MeasuredMethod& b,
                       int threads) {
  BootstrapOptions options;
  options.resamples = arguments.resamples;
  options.threads = threads;
  nlohmann::json found = compare_methods(a, b, options);
  found.update({{"a", arguments.a},
                {"b", arguments.b},
                {"split", arguments.split.split},
                {"count", a.plain[0].faces},
                {"resamples", arguments.resamples}});
  return found;
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

void print_differences(const nlohmann::json& result) {
  fmt::print("{:<24} {:>8} {:>8} {:>8}  {:<18}  p\n", "measure", "A", "B", "A - B", "95 % interval");
  print_rows(result["measures"], "");
  print_rows(result["calibrated"], "_calibrated");
}

void run_compare(CompareArguments& arguments) {
  settle_sides(arguments);
  comm::World world;
  MethodMeasurer measurer(arguments.model, arguments.split, world);
  const MeasuredMethod a = measurer.measure(arguments.a), b = measurer.measure(arguments.b);
  if (world.rank() != 0) return;
  run_or_abort(world, [&] {
    const nlohmann::json result = compare(arguments, a, b, world.cores());
    if (arguments.json) {
      fmt::print("{}\n", result.dump());
    } else {
      print_differences(result);
    }
  });
}

}  // namespace

void add_compare(CLI::App& app) {
  auto arguments = std::make_shared<CompareArguments>();
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
