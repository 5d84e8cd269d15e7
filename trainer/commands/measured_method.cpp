#include "trainer/commands/measured_method.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "trainer/evaluation/compare_runs.h"
#include "trainer/evaluation/measures_json.h"
#include "trainer/exit_code.h"

namespace penumbra::trainer {

MethodMeasurer::MethodMeasurer(ModelArguments model, SplitArguments split, comm::World& world)
    : model_(std::move(model)), split_(std::move(split)), world_(world) {}

void MethodMeasurer::check_comparable(const EvaluatedRun& run, const std::string& name) {
  const std::uint64_t faces = data::fingerprint(run.set);
  if (!reference_) reference_ = {name, run.model->info.classes, faces};
  if (run.model->info.classes != reference_->classes) {
    throw ConfigError(fmt::format("{}: its classes are {}, those of {} are {}: only runs of the same classes compare",
                                  name, fmt::join(run.model->info.classes, ", "), reference_->run,
                                  fmt::join(reference_->classes, ", ")));
  }
  if (faces != reference_->faces) {
    throw ConfigError(
        fmt::format("{}: its data.class_map makes other faces of the split than that of {}: give both one "
                    "with --class-map",
                    name, reference_->run));
  }
}

EvaluatedRun MethodMeasurer::load(const std::string& name) {
  model_.run = name;
  EvaluatedRun run;
  const auto load = [&] {
    run = load_run(model_, split_);
    check_comparable(run, name);
  };
  world_.all_or_none(load, exit_code_of);
  return run;
}

MeasuredMethod MethodMeasurer::measure(const std::vector<std::string>& runs) {
  MeasuredMethod method;
  for (const std::string& name : runs) {
    EvaluatedRun run = load(name);
    RunColumns columns = columns_of(run, posterior_of(run, world_));
    method.plain.push_back(std::move(columns.plain));
    method.calibrated.push_back(std::move(columns.calibrated));
  }
  return method;
}

nlohmann::json compare_methods(const MeasuredMethod& a, const MeasuredMethod& b, const BootstrapOptions& options) {
  std::vector<Difference> plain = compare_runs(a.plain, b.plain, options);
  std::erase_if(plain, [](const Difference& d) { return d.name == "ceiling_accuracy"; });  // of the faces, not the runs
  std::vector<Difference> calibrated = compare_runs(a.calibrated, b.calibrated, options);
  std::erase_if(calibrated, [](const Difference& d) { return !is_of_probabilities(d.name); });
  return {{"measures", to_json(plain)}, {"calibrated", to_json(calibrated)}};
}

}  // namespace penumbra::trainer
