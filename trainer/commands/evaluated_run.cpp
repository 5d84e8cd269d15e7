#include "trainer/commands/evaluated_run.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "data/error.h"
#include "data/store/durable.h"
#include "data/store/load_split.h"
#include "data/store/rows.h"
#include "trainer/checkpoint/bank_scores.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/exit_code.h"
#include "trainer/loop/data_options.h"
#include "trainer/loop/predict.h"

namespace penumbra::trainer {
namespace {

/// Those of the run, after the given map or, where none is given, the one that it was trained with.
data::ClassOptions classes_of(const TrainedModel& model, const std::vector<std::string>& class_map) {
  if (class_map.empty()) return {model.config.data->class_map, model.info.classes, /*made_for_these=*/false};
  return {data::parse_class_map(class_map), model.info.classes};
}

void check_match(const TrainedModel& model, const data::SampleSet& set, const std::string& file) {
  if (set.info.channels != model.info.channels || set.info.image_size != model.info.image_size) {
    throw data::DataError(fmt::format("{}: {} px with {} channels, but the run was trained on {} px with {}", file,
                                      set.info.image_size, set.info.channels, model.info.image_size,
                                      model.info.channels));
  }
}

RunColumns columns_of(const std::vector<float>& posterior, const data::SampleSet& set,
                      const std::optional<BankScores>& bank, double temperature) {
  return {FaceColumns(posterior, set, bank), FaceColumns(with_temperature(posterior, set.classes(), temperature), set)};
}

BankScores rows_of(const BankScores& bank, std::span<const std::int64_t> rows) {
  BankScores some;
  for (const std::int64_t row : rows) {
    some.uncertainty.push_back(bank.uncertainty[static_cast<std::size_t>(row)]);
    some.disagreement.push_back(bank.disagreement[static_cast<std::size_t>(row)]);
  }
  return some;
}

}  // namespace

EvaluatedRun load_run(const ModelArguments& model, const SplitArguments& split) {
  EvaluatedRun run;
  run.model = std::make_unique<TrainedModel>(load_model(model.run, model.weights, model.head));
  run.set = data::load_split(split.files, split.split, classes_of(*run.model, split.class_map));
  check_match(*run.model, run.set, split.files.front());
  if (!run.set.clean_labels.empty()) run.bank = bank_scores(model.run, run.model->config, run.set);
  return run;
}

std::vector<float> posterior_of(EvaluatedRun& run, comm::World& world) {
  world.require_agreement("evaluated data", fmt::format("{:016x}", data::fingerprint(run.set)));
  world.require_agreement("run", fmt::format("{}weights {:016x}", to_toml(run.model->config),
                                             data::stamp_of(run.model->checkpoint).checksum));
  at::set_num_threads(world.cores());
  std::vector<float> posterior;
  run_or_abort(world, [&] {
    const Posteriors both = predict_set(run.model->nets, run.set, run.model->config, world.collective());
    posterior = head_posterior(both, run.model->config.evaluation->head);
  });
  return posterior;
}

RunColumns columns_of(const EvaluatedRun& run, const std::vector<float>& posterior) {
  return columns_of(posterior, run.set, run.bank, run.model->temperature);
}

RunColumns columns_of(const EvaluatedRun& run, const std::vector<float>& posterior,
                      std::span<const std::int64_t> rows) {
  const auto classes = run.set.classes();
  std::vector<float> some;
  for (const std::int64_t row : rows) {
    const auto begin = posterior.begin() + row * classes;
    some.insert(some.end(), begin, begin + classes);
  }
  const auto bank = run.bank ? std::optional(rows_of(*run.bank, rows)) : std::nullopt;
  return columns_of(some, data::rows_of(run.set, rows), bank, run.model->temperature);
}

}  // namespace penumbra::trainer
