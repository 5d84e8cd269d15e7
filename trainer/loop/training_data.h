#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "comm/world.h"
#include "data/plan/windows.h"
#include "data/store/reader.h"
#include "data/store/sample_set.h"
#include "trainer/config.h"

namespace penumbra::trainer {

/// The sets of a run, on every rank.
struct TrainingData {
  data::SampleSet train;
  std::optional<data::SampleSet> validation;  ///< none: no "best", no early stopping
  std::vector<data::StoredVariant> variants;  ///< for ambiguous.mode = "stored"
  data::Windows windows;                      ///< how an epoch goes through a training set in files
  std::string fingerprint;                    ///< of all this, as text
};

/// Opens what data.files names, brings the images to the memory of each host as far as data.memory_limit allows, and
/// checks all that can be known before any work is done. All ranks call; all throw where one fails or they differ. The
/// result must not outlive the world.
TrainingData load_training_data(const Config& config, comm::World& world);

/// Whether `fingerprint` is of training data with this training set.
bool is_fingerprint_of(const std::string& fingerprint, const data::SampleSet& train);

/// What the run is trained and validated on, for its folder: the files, their sources and label rules, classes, faces
/// by split and class, what is known of the people (as data::inspect has it). Looks into the files, not at images.
/// Throws data::DataError.
nlohmann::json describe(const Config& config, const TrainingData& data);

}  // namespace penumbra::trainer
