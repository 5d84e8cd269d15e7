#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "comm/world.h"
#include "data/error.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/evaluated_run.h"
#include "trainer/commands/options.h"
#include "trainer/evaluation/measure_intervals.h"
#include "trainer/evaluation/measures_json.h"
#include "trainer/exit_code.h"

namespace penumbra::trainer {
namespace {

struct Arguments {
  ModelArguments model;
  SplitArguments split;
  std::string curve;
  int resamples = BootstrapOptions{}.resamples;
  bool json = false;
};

nlohmann::json of_probabilities(const nlohmann::json& all) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, value] : all.items()) {
    if (is_of_probabilities(name)) out[name] = value;
  }
  return out;
}

/// {measure: [low, high]}.
nlohmann::json by_name(const std::vector<NamedValue>& named, const std::vector<ConfidenceInterval>& intervals) {
  nlohmann::json out = nlohmann::json::object();
  for (std::size_t k = 0; k < named.size(); ++k) out[std::string(named[k].name)] = to_json(intervals[k]);
  return out;
}

void add_intervals(nlohmann::json& out, const RunColumns& columns, const std::vector<std::string>& classes,
                   const BootstrapOptions& options) {
  const auto names = scalars(measure(columns.plain));
  const MeasureIntervals plain = measure_intervals(columns.plain, options);
  out["resamples"] = options.resamples;
  out["intervals"] = by_name(names, plain.scalars);
  out["calibrated_intervals"] =
      of_probabilities(by_name(names, measure_intervals(columns.calibrated, options).scalars));
  for (std::size_t c = 0; c < classes.size(); ++c) {
    out["classes"][classes[c]]["recall_interval"] = to_json(plain.recall[c]);
  }
}

nlohmann::json evaluate(const Arguments& arguments, const EvaluatedRun& run, const RunColumns& columns, int threads) {
  const Measures measures = measure(columns.plain);
  nlohmann::json out = to_json(measures);
  out["classes"] = to_json(by_class(measures), run.set.info.classes);
  out["calibrated"] = of_probabilities(to_json(measure(columns.calibrated)));
  out["nll_calibrated"] = out["calibrated"]["nll"];
  out["ece_calibrated"] = out["calibrated"]["ece"];
  out["temperature"] = run.model->temperature;
  out["split"] = arguments.split.split;
  out["head"] = name_of(run.model->config.evaluation.head);
  out["checkpoint"] = run.model->checkpoint;
  if (arguments.resamples > 0) {
    BootstrapOptions options;
    options.resamples = arguments.resamples;
    options.threads = threads;
    add_intervals(out, columns, run.set.info.classes, options);
  }
  return out;
}

void write_curve(const std::string& path, const FaceColumns& columns) {
  std::string text = "coverage,risk\n";
  for (const auto& [coverage, risk] :
       risk_coverage(columns.entropy, columns.wrong, std::vector<double>(columns.faces, 1))) {
    text += fmt::format("{},{}\n", coverage, risk);
  }
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) throw data::DataError(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
}

/// "0.8640  [0.8420, 0.8850]".
std::string with_interval(const nlohmann::json& value, const nlohmann::json& interval) {
  if (value.is_null()) return "-";
  if (!value.is_number_float()) return value.is_string() ? value.get<std::string>() : value.dump();
  std::string text = fmt::format("{:.4f}", value.get<double>());
  if (interval.is_array())
    text += fmt::format("  [{:.4f}, {:.4f}]", interval[0].get<double>(), interval[1].get<double>());
  return text;
}

void print_table(const nlohmann::json& result) {
  const nlohmann::json none = nlohmann::json::object();
  const nlohmann::json intervals = result.value("intervals", none), after = result.value("calibrated_intervals", none);
  for (const auto& [key, value] : result.items()) {
    const bool said_below = key == "nll_calibrated" || key == "ece_calibrated";
    if (value.is_primitive() && !value.is_null() && !said_below)
      fmt::print("{:<24} {}\n", key, with_interval(value, intervals.value(key, nlohmann::json())));
  }
  for (const auto& [key, value] : result["calibrated"].items()) {
    if (!value.is_null())
      fmt::print("{:<24} {}\n", key + "_calibrated", with_interval(value, after.value(key, nlohmann::json())));
  }
  fmt::print("\n{:<16} {:>6} {:>10} {:>8}  recall\n", "class", "faces", "precision", "F1");
  for (const auto& [name, one] : result["classes"].items()) {
    fmt::print("{:<16} {:>6} {:>10} {:>8}  {}\n", name, one["count"].dump(), with_interval(one["precision"], none),
               with_interval(one["f1"], none),
               with_interval(one["recall"], one.value("recall_interval", nlohmann::json())));
  }
}

void run_eval(const Arguments& arguments) {
  comm::World world;
  EvaluatedRun run;
  world.all_or_none([&] { run = load_run(arguments.model, arguments.split); }, exit_code_of);
  const std::vector<float> posterior = posterior_of(run, world);
  if (world.rank() != 0) return;
  run_or_abort(world, [&] {
    const RunColumns columns = columns_of(run, posterior);
    const nlohmann::json result = evaluate(arguments, run, columns, world.cores());
    if (!arguments.curve.empty()) write_curve(arguments.curve, columns.plain);
    if (arguments.json) {
      fmt::print("{}\n", result.dump());
    } else {
      print_table(result);
    }
  });
}

}  // namespace

void add_eval(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("eval", "Measure a trained run on a split");
  add_model_options(*command, arguments->model);
  add_split_options(*command, arguments->split);
  add_resamples_option(*command, arguments->resamples, 0);
  command->add_option("--curve", arguments->curve, "CSV file for the risk-coverage curve");
  command->add_flag("--json", arguments->json, "one JSON object");
  command->footer("Example: penumbra eval runs/a --data faces.h5 --split test --json");
  command->callback([arguments] { run_eval(*arguments); });
}

}  // namespace penumbra::trainer
