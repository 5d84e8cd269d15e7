#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trainer/evaluation/compare_runs.h"
#include "trainer/evaluation/face_columns.h"
#include "trainer/evaluation/measure_intervals.h"
#include "trainer/report/training_log.h"

namespace penumbra::trainer {

/// A face in a gallery.
struct ReportedFace {
  std::string id;
  std::size_t label = 0, predicted = 0;  ///< classes
  std::vector<double> human, shares;     ///< [C]: of the annotators (empty: no votes), and predicted
  double entropy = 0;                    ///< of what is predicted, nats
  std::optional<double> disagreement;    ///< of both nets, nats; none where there is one
  std::string picture;                   ///< a PNG, base64; empty: not to be shown
};

struct Gallery {
  std::string title;
  std::vector<ReportedFace> faces;
};

/// What a report says of one run beside its measures.
struct ReportedRun {
  std::string name, folder;
  std::size_t method = 0;  ///< index into Report::methods
  std::uint64_t seed = 0;
  std::string trained_as, head, weights;  ///< train.method, the head that answers, best or final
  std::int64_t epochs = 0;                ///< as configured
  double temperature = 1;
  std::string version, torch, host, ranks;                  ///< that it was trained with; empty: unknown
  std::vector<std::pair<std::string, std::string>> config;  ///< every key and its value in TOML
  TrainingLog log;
  std::vector<float> posterior;  ///< [N, C] after the temperature
  MeasureIntervals intervals, calibrated_intervals;
  std::vector<Gallery> galleries;
};

/// Runs that differ in seed and folder alone.
struct ReportedMethod {
  std::string name;
  std::size_t first = 0, runs = 0;                              ///< Report::runs[first .. first + runs)
  std::vector<Difference> differences, calibrated_differences;  ///< from the first method; empty for itself
};

/// All that is in a report; what is left is to write it down.
struct Report {
  std::string version;  ///< of this program
  std::vector<std::string> files, classes;
  std::string split, source, label_rule;
  int image_size = 0, channels = 0, resamples = 0;
  bool shows_faces = true;
  std::vector<std::uint32_t> labels;       ///< [N]
  std::vector<float> human;                ///< [N, C], the annotators' distributions; empty: no votes
  std::optional<double> spearman_ceiling;  ///< see entropy_ceiling()
  std::vector<ReportedMethod> methods;
  std::vector<ReportedRun> runs;               ///< those of a method side by side
  std::vector<FaceColumns> plain, calibrated;  ///< of each run, before and after its temperature
};

}  // namespace penumbra::trainer
