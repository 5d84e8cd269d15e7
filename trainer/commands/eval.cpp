#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "comm/world.h"
#include "data/store/groups.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/evaluated_run.h"
#include "trainer/commands/options.h"
#include "trainer/evaluation/entropy_ceiling.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/evaluation/measure_intervals.h"
#include "trainer/evaluation/measures_json.h"
#include "trainer/exit_code.h"

namespace penumbra::trainer {
namespace {

struct EvalArguments {
  ModelArguments model;
  SplitArguments split;
  std::string curve;
  std::vector<std::string> by;
  int resamples = BootstrapOptions{}.resamples;
  bool json = false;
};

/// {measure: [low, high]}.
nlohmann::json by_name(const std::vector<NamedValue>& named, const std::vector<ConfidenceInterval>& intervals) {
  nlohmann::json out = nlohmann::json::object();
  for (std::size_t k = 0; k < named.size(); ++k) out[std::string(named[k].name)] = to_json(intervals[k]);
  return out;
}

/// Measures of some faces and, with resamples, their intervals.
nlohmann::json measured(const RunColumns& columns, const std::vector<std::string>& classes,
                        const BootstrapOptions& options) {
  const Measures measures = measure(columns.plain);
  nlohmann::json out = to_json(measures);
  out["classes"] = to_json(by_class(measures), classes);
  out["calibrated"] = of_probabilities(to_json(measure(columns.calibrated)));
  if (options.resamples == 0) return out;
  const auto names = scalars(measures);
  const MeasureIntervals plain = measure_intervals(columns.plain, options);
  out["intervals"] = by_name(names, plain.scalars);
  out["calibrated_intervals"] =
      of_probabilities(by_name(names, measure_intervals(columns.calibrated, options).scalars));
  for (std::size_t c = 0; c < classes.size(); ++c) {
    nlohmann::json& one = out["classes"][classes[c]];
    one["recall_interval"] = to_json(plain.classes[c].recall);
    one["precision_interval"] = to_json(plain.classes[c].precision);
    one["f1_interval"] = to_json(plain.classes[c].f1);
  }
  return out;
}

/// {value: what measured() says of its faces}, and of those that no value is known of.
nlohmann::json measured_by(const data::GroupColumn& column, const EvaluatedRun& run,
                           const std::vector<float>& posterior, const BootstrapOptions& options) {
  std::map<std::int32_t, std::vector<std::int64_t>> members;
  for (std::size_t i = 0; i < column.codes.size(); ++i) {
    members[column.codes[i]].push_back(static_cast<std::int64_t>(i));
  }
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [code, rows] : members) {
    const std::string value = code == data::kUnknownGroup ? "(unknown)" : column.values[static_cast<std::size_t>(code)];
    out[value] = measured(columns_of(run, posterior, rows), run.set.info.classes, options);
  }
  return out;
}

nlohmann::json evaluate(const EvalArguments& arguments, const EvaluatedRun& run, const std::vector<float>& posterior,
                        const RunColumns& columns, int threads) {
  BootstrapOptions options;
  options.resamples = arguments.resamples;
  options.threads = threads;
  nlohmann::json out = measured(columns, run.set.info.classes, options);
  out["nll_calibrated"] = out["calibrated"]["nll"];
  out["ece_calibrated"] = out["calibrated"]["ece"];
  const std::optional<double> ceiling = entropy_ceiling(run.set);
  out["ceiling_spearman_entropy"] = ceiling ? nlohmann::json(*ceiling) : nlohmann::json();
  out["temperature"] = run.model->temperature;
  out["data"] = arguments.split.files;
  out["split"] = arguments.split.split;
  out["head"] = name_of(run.model->config.evaluation->head);
  out["checkpoint"] = run.model->checkpoint;
  if (options.resamples > 0) out["resamples"] = options.resamples;
  for (const std::string& name : arguments.by) {
    out["groups"][name] = measured_by(*data::find_column(run.set.groups, name), run, posterior, options);
  }
  return out;
}

void write_curve(const std::string& path, const FaceColumns& columns) {
  std::string text = "coverage,risk\n";
  for (const auto& [coverage, risk] :
       risk_coverage(columns.entropy, columns.wrong, std::vector<double>(columns.faces, 1))) {
    text += fmt::format("{},{}\n", coverage, risk);
  }
  write_file(path, text);
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

/// A class' measure.
std::string cell(const nlohmann::json& one, const std::string& name) {
  return with_interval(one[name], one.value(name + "_interval", nlohmann::json()));
}

void print_measures(const nlohmann::json& result) {
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
  fmt::print("\n{:<16} {:>6}  {:<24}  {:<24}  {}\n", "class", "faces", "recall", "precision", "F1");
  for (const auto& [name, one] : result["classes"].items()) {
    fmt::print("{:<16} {:>6}  {:<24}  {:<24}  {}\n", name, one["count"].dump(), cell(one, "recall"),
               cell(one, "precision"), cell(one, "f1"));
  }
}

/// A line a group: enough to see whether some are served worse; --json has every measure.
void print_group_measures(const nlohmann::json& groups) {
  const nlohmann::json none = nlohmann::json::object();
  for (const auto& [column, values] : groups.items()) {
    fmt::print("\n{:<16} {:>6}  {:<24}  {:<24}  {}\n", column, "faces", "accuracy", "mean_class_accuracy",
               "ece_calibrated");
    for (const auto& [value, one] : values.items()) {
      const nlohmann::json intervals = one.value("intervals", none), after = one.value("calibrated_intervals", none);
      fmt::print("{:<16} {:>6}  {:<24}  {:<24}  {}\n", value, one["count"].dump(),
                 with_interval(one["accuracy"], intervals.value("accuracy", nlohmann::json())),
                 with_interval(one["mean_class_accuracy"], intervals.value("mean_class_accuracy", nlohmann::json())),
                 with_interval(one["calibrated"]["ece"], after.value("ece", nlohmann::json())));
    }
  }
}

void run_eval(const EvalArguments& arguments) {
  comm::World world;
  EvaluatedRun run;
  world.all_or_none(
      [&] {
        run = load_run(arguments.model, arguments.split);
        for (const std::string& name : arguments.by)
          data::require_column(run.set.groups, name, "--by: the split " + arguments.split.split);
      },
      exit_code_of);
  const std::vector<float> posterior = posterior_of(run, world);
  if (world.rank() != 0) return;
  run_or_abort(world, [&] {
    const RunColumns columns = columns_of(run, posterior);
    const nlohmann::json result = evaluate(arguments, run, posterior, columns, world.cores());
    if (!arguments.curve.empty()) write_curve(arguments.curve, columns.plain);
    if (arguments.json) {
      fmt::print("{}\n", result.dump());
    } else {
      print_measures(result);
      print_group_measures(result.value("groups", nlohmann::json::object()));
    }
  });
}

}  // namespace

void add_eval(CLI::App& app) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App* command = app.add_subcommand("eval", "Measure a trained run on a split");
  add_model_options(*command, arguments->model);
  add_split_options(*command, arguments->split);
  add_resamples_option(*command, arguments->resamples, 0);
  command->add_option("--curve", arguments->curve, "CSV file for the risk-coverage curve");
  command->add_option("--by", arguments->by,
                      "measures of each group of this column too, e.g. gender, as `penumbra data inspect` names it");
  command->add_flag("--json", arguments->json, "one JSON object");
  command->footer("Example: penumbra eval runs/a --data faces.h5 --split test --json");
  command->callback([arguments] { run_eval(*arguments); });
}

}  // namespace penumbra::trainer
