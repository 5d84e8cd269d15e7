#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "trainer/commands/evaluated_run.h"
#include "trainer/evaluation/bootstrap.h"
#include "trainer/report/report.h"

namespace penumbra::trainer {

struct ReportOptions {
  int resamples = BootstrapOptions{}.resamples;
  std::size_t gallery = 16;  ///< faces in each
  bool shows_faces = true;
};

/// Puts a report together, run by run. On one rank.
class ReportBuilder {
 public:
  ReportBuilder(const SplitArguments& split, const ReportOptions& options);
  /// A run, in the order of the report, with the posteriors of its faces, [N, C]. All of the same faces. Throws
  /// data::DataError where a file of the run folder is damaged.
  void add(const std::string& folder, EvaluatedRun& run, const std::vector<float>& posterior);
  /// The report, with all intervals and comparisons; those are shared among so many threads. At least one run. Once.
  Report finish(int threads) &&;

 private:
  void describe_faces(const data::SampleSet& set);
  void group_by_method();
  void compare_methods(const BootstrapOptions& options);

  ReportOptions options_;
  Report report_;
};

}  // namespace penumbra::trainer
