#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "comm/world.h"
#include "data/store/sample_set.h"
#include "trainer/commands/options.h"
#include "trainer/evaluation/face_columns.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {

/// A trained run and the faces that it is measured on.
struct EvaluatedRun {
  std::unique_ptr<TrainedModel> model;
  data::SampleSet set;             ///< in the run's classes
  std::optional<BankScores> bank;  ///< of these faces, where the run was trained on them and some labels are wrong
};

/// Throws ConfigError or data::DataError where there is no such run or split, or they do not fit each other.
EvaluatedRun load_run(const ModelArguments& model, const SplitArguments& split);

/// The posterior of the run's head for each face, [N, C] row-major, on every rank. All ranks call, with the same run.
std::vector<float> posterior_of(EvaluatedRun& run, comm::World& world);

/// What its faces add to the measures, as it is and with the run's temperature, of which the banks know nothing.
struct RunColumns {
  FaceColumns plain, calibrated;
};
RunColumns columns_of(const EvaluatedRun& run, const std::vector<float>& posterior);
/// The same of some rows of the set, at least one.
RunColumns columns_of(const EvaluatedRun& run, const std::vector<float>& posterior, std::span<const std::int64_t> rows);

}  // namespace penumbra::trainer
