#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "comm/world.h"
#include "trainer/commands/evaluated_run.h"
#include "trainer/commands/options.h"
#include "trainer/evaluation/bootstrap.h"

namespace penumbra::trainer {

/// The runs of one method, which differ in their seeds: each one's columns, before and after its temperature.
struct MeasuredMethod {
  std::vector<FaceColumns> plain, calibrated;
};

/// Loads and measures runs that are to be compared: all must be of the same classes and see the same faces. All ranks
/// call.
class MethodMeasurer {
 public:
  MethodMeasurer(ModelArguments model, SplitArguments split, comm::World& world);
  /// One of the runs, with the faces that it is measured on. Throws as measure() does.
  EvaluatedRun load(const std::string& run);
  /// Run folders, at least one. Throws ConfigError or data::DataError on all ranks, also where the runs do not compare.
  MeasuredMethod measure(const std::vector<std::string>& runs);

 private:
  /// What the first run was measured on.
  struct Reference {
    std::string run;
    std::vector<std::string> classes;
    std::uint64_t faces = 0;  ///< fingerprint
  };
  void check_comparable(const EvaluatedRun& run, const std::string& name);

  ModelArguments model_;
  SplitArguments split_;
  comm::World& world_;
  std::optional<Reference> reference_;
};

/// {"measures", "calibrated"}: {measure: {a, b, difference, interval, p}}, see compare_runs().
nlohmann::json compare_methods(const MeasuredMethod& a, const MeasuredMethod& b, const BootstrapOptions& options);

}  // namespace penumbra::trainer
