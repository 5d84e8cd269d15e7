#include <fstream>
#include <iterator>
#include <memory>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "comm/world.h"
#include "data/error.h"
#include "data/store/load_split.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/options.h"
#include "trainer/evaluation/measures_json.h"
#include "trainer/exit_code.h"
#include "trainer/loop/predict.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {
namespace {

struct Arguments {
  ModelArguments model;
  std::string split = "test";
  std::vector<std::string> files, class_map;
  bool json = false;
};

/// Those of the run, after the given map or, where none is given, the one that it was trained with.
data::ClassOptions classes_of(const TrainedModel& model, const std::vector<std::string>& class_map) {
  if (class_map.empty()) return {model.config.data.class_map, model.info.classes, /*made_for_these=*/false};
  return {data::parse_class_map(class_map), model.info.classes};
}

void check_match(const TrainedModel& model, const data::SampleSet& set, const std::string& file) {
  if (set.info.channels != model.info.channels || set.info.image_size != model.info.image_size) {
    throw data::DataError(fmt::format("{}: {} px with {} channels, but the run was trained on {} px with {}", file,
                                      set.info.image_size, set.info.channels, model.info.image_size,
                                      model.info.channels));
  }
}

nlohmann::json evaluate(const Arguments& arguments, const TrainedModel& model, const std::vector<float>& posterior,
                        const data::SampleSet& set) {
  const Measures measures = measure(posterior, set);
  nlohmann::json out = to_json(measures);
  out["classes"] = to_json(by_class(measures), set.info.classes);
  const nlohmann::json after = to_json(measure(with_temperature(posterior, set.classes(), model.temperature), set));
  for (const auto& [name, value] : after.items()) {
    if (is_of_probabilities(name)) out["calibrated"][name] = value;
  }
  out["temperature"] = model.temperature;
  out["nll_calibrated"] = after["nll"];
  out["ece_calibrated"] = after["ece"];
  out["split"] = arguments.split;
  out["head"] = name_of(model.config.evaluation.head);
  out["checkpoint"] = model.checkpoint;
  return out;
}

void print_table(const nlohmann::json& result) {
  for (const auto& [key, value] : result.items()) {
    if (value.is_primitive() && !value.is_null())
      fmt::print("{:<24} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

std::string file_fingerprint(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<std::uint8_t> bytes((std::istreambuf_iterator<char>(file)), {});
  return fmt::format("weights {:016x}", data::byte_fingerprint(bytes));
}

void run_eval(const Arguments& arguments) {
  comm::World world;
  std::unique_ptr<TrainedModel> model;
  data::SampleSet set;
  world.all_or_none(
      [&] {
        model = std::make_unique<TrainedModel>(
            load_model(arguments.model.run, arguments.model.weights, arguments.model.head));
        set = data::load_split(arguments.files, arguments.split, classes_of(*model, arguments.class_map));
        check_match(*model, set, arguments.files.front());
      },
      exit_code_of);
  world.require_agreement("evaluated data", fmt::format("{:016x}", data::fingerprint(set)));
  world.require_agreement("run", to_toml(model->config) + file_fingerprint(model->checkpoint));
  at::set_num_threads(world.cores());
  Posteriors posteriors;
  run_or_abort(world, [&] { posteriors = predict_set(model->nets, set, model->config, world.collective()); });
  if (world.rank() != 0) return;
  const auto result = evaluate(arguments, *model, head_posterior(posteriors, model->config.evaluation.head), set);
  if (arguments.json) {
    fmt::print("{}\n", result.dump());
  } else {
    print_table(result);
  }
}

}  // namespace

void add_eval(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("eval", "Measure a trained run on a split");
  add_model_options(*command, arguments->model);
  command->add_option("--data", arguments->files, "HDF5 stores")->required();
  command->add_option("--split", arguments->split, "train, val or test")
      ->check(CLI::IsMember({"train", "val", "test"}))
      ->capture_default_str();
  add_class_map_option(*command, arguments->class_map);
  command->add_flag("--json", arguments->json, "one JSON object");
  command->footer("Example: penumbra eval runs/a --data faces.h5 --split test --json");
  command->callback([arguments] { run_eval(*arguments); });
}

}  // namespace penumbra::trainer
