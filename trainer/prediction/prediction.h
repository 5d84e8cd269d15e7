#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "data/import/face_box.h"
#include "data/store/sample_set.h"
#include "trainer/prediction/overlay.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {

/// Where in its image a detector has found a face.
struct FoundFace {
  int number = 1;     ///< among those of the image, from 1
  data::FaceBox box;  ///< pixels of the image
};

/// What a run says of one face.
struct Prediction {
  std::string image;
  std::optional<FoundFace> found;       ///< none where the image is the face
  std::size_t label = 0;                ///< index of the likeliest class
  std::vector<float> distribution;      ///< [C], of the answering head, after the temperature
  double entropy = 0;                   ///< of it, nats
  std::optional<double> disagreement;   ///< JS(p_o, p_a) before the temperature, nats; none where there is one net
  std::optional<double> familiarity;    ///< share of the validation faces that are less typical; none: not known
  std::vector<AttentionMap> attention;  ///< for that class: f_o's, and f_a's where there is one; empty: not asked for

  double uncertainty() const { return 1 - static_cast<double>(distribution[label]); }
  /// Less typical than all but one in a hundred validation faces.
  bool unlike_training() const { return familiarity && *familiarity < 0.01; }
};

inline constexpr const char* kNoFace = "no face found";

/// Predictions for all rows of a set of the model's image size and channels, named by their ids.
std::vector<Prediction> predict_faces(TrainedModel& model, const data::SampleSet& set, bool attention);

/// {"image", "label", "entropy", "uncertainty", "distribution": {class: share}, "familiarity", "unlike_training",
/// "disagreement"}; "face" and "box" {"x", "y", "width", "height"} where it was found; "attention", rows of numbers of
/// the answering net, where it was asked for.
nlohmann::json to_json(const Prediction& prediction, const TrainedModel& model);
/// {"image", "face": 0, "note"}: of an image in which none was found.
nlohmann::json json_without_face(const std::string& image);

/// A table of predictions: image; face, x, y, width, height and note where faces are `detected`; label, entropy,
/// uncertainty, disagreement, familiarity, unlike_training, and the shares of the classes. What is not known is empty;
/// texts are quoted where they must be.
class CsvTable {
 public:
  CsvTable(const std::vector<std::string>& classes, bool detected) : classes_(classes), detected_(detected) {}
  std::string header() const;
  std::string row(const Prediction& prediction) const;
  /// Of an image in which no face was found: face 0, and a note that says so.
  std::string row_without_face(const std::string& image) const;

 private:
  const std::vector<std::string>& classes_;
  bool detected_;
};

/// A line for people.
std::string to_text(const Prediction& prediction, const std::vector<std::string>& classes);

}  // namespace penumbra::trainer
