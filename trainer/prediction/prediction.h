#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "data/store/sample_set.h"
#include "trainer/prediction/overlay.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {

/// What a run says of one face.
struct Prediction {
  std::string image;
  std::size_t label = 0;                ///< index of the likeliest class
  std::vector<float> distribution;      ///< [C], of the answering head, after the temperature
  double entropy = 0;                   ///< of it, nats
  std::optional<double> disagreement;   ///< JS(p_o, p_a) before the temperature, nats; none where there is one net
  std::vector<AttentionMap> attention;  ///< for that class: f_o's, and f_a's where there is one; empty: not asked for

  double uncertainty() const { return 1 - static_cast<double>(distribution[label]); }
};

/// Predictions for all rows of a set of the model's image size and channels, named by their ids.
std::vector<Prediction> predict_faces(TrainedModel& model, const data::SampleSet& set, bool attention);

/// {"image", "label", "entropy", "uncertainty", "distribution": {class: share}, "disagreement"}, and "attention", rows
/// of numbers of the answering net, where it was asked for.
nlohmann::json to_json(const Prediction& prediction, const TrainedModel& model);

/// A line of a table: image, label, entropy, uncertainty, disagreement (empty where there is none), and the shares of
/// the classes. Texts are quoted where they must be.
std::string csv_header(const std::vector<std::string>& classes);
std::string to_csv(const Prediction& prediction, const std::vector<std::string>& classes);

}  // namespace penumbra::trainer
