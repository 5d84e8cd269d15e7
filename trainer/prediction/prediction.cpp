#include "trainer/prediction/prediction.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "trainer/evaluation/distributions.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/loop/predict.h"
#include "trainer/nets/attention.h"

namespace penumbra::trainer {
namespace {

AttentionMap as_map(const at::Tensor& values) {
  const at::Tensor dense = values.to(at::kCPU, at::kFloat).contiguous();
  const float* first = dense.const_data_ptr<float>();
  return {static_cast<int>(dense.size(0)), static_cast<int>(dense.size(1)), {first, first + dense.numel()}};
}

/// What the nets make of the rows of a set, beside their posteriors.
class Seen {
 public:
  Seen(TrainedModel& model, bool attention) : model_(model), attention_(attention) {}

  void operator()(const NetOutput& original, const NetOutput* ambiguous) {
    if (model_.familiarity) {
      const std::vector<double> shares = model_.familiarity->of(pooled_features(original));
      familiarity_.insert(familiarity_.end(), shares.begin(), shares.end());
    }
    if (!attention_) return;
    keep(original, model_.nets.original(), original_maps_);
    if (ambiguous != nullptr) keep(*ambiguous, *model_.nets.ambiguous(), ambiguous_maps_);
  }

  std::optional<double> familiarity(std::size_t row) const {
    return familiarity_.empty() ? std::nullopt : std::optional(familiarity_[row]);
  }
  /// Of row `row` for class `label`: f_o's map, and f_a's where there is one; none where they were not asked for.
  std::vector<AttentionMap> attention(std::size_t row, std::size_t label) const {
    std::vector<AttentionMap> maps;
    for (const std::vector<at::Tensor>* of : {&original_maps_, &ambiguous_maps_})
      if (!of->empty()) maps.push_back(as_map((*of)[row][static_cast<std::int64_t>(label)]));
    return maps;
  }

 private:
  static void keep(const NetOutput& out, const ResNet& net, std::vector<at::Tensor>& maps) {
    const std::vector<at::Tensor> rows =
        attention_maps(out.features, net.fc_weight()).to(at::kCPU, at::kFloat).unbind();
    maps.insert(maps.end(), rows.begin(), rows.end());
  }

  TrainedModel& model_;
  bool attention_;
  std::vector<double> familiarity_;                         ///< of each row; empty: not known
  std::vector<at::Tensor> original_maps_, ambiguous_maps_;  ///< of each row, [C, h, w]
};

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out(1, '"');
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  out.push_back('"');
  return out;
}

/// Of the net that answers; f_o's for their mean.
const AttentionMap& answering(const Prediction& prediction, Head head) {
  return head == Head::ambiguous ? prediction.attention.back() : prediction.attention.front();
}

}  // namespace

std::vector<Prediction> predict_faces(TrainedModel& model, const data::SampleSet& set, bool attention) {
  Seen seen(model, attention);
  const Posteriors posteriors = predict_rows(
      model.nets, set, 0, set.size(), model.config,
      [&](std::int64_t, const NetOutput& original, const NetOutput* ambiguous) { seen(original, ambiguous); });
  const std::vector<float> answer =
      with_temperature(head_posterior(posteriors, model.config.evaluation->head), set.classes(), model.temperature);
  const auto classes = static_cast<std::size_t>(set.classes());
  std::vector<Prediction> found;
  for (std::size_t row = 0; row < set.ids.size(); ++row) {
    const auto of = [&](const std::vector<float>& all) { return Shares(all).subspan(row * classes, classes); };
    const Shares p = of(answer);
    const std::size_t label = arg_max(p);
    found.push_back({set.ids[row],
                     {},
                     label,
                     {p.begin(), p.end()},
                     entropy(p),
                     {},
                     seen.familiarity(row),
                     seen.attention(row, label)});
    if (!posteriors.ambiguous.empty())
      found.back().disagreement = js_divergence(of(posteriors.original), of(posteriors.ambiguous));
  }
  return found;
}

nlohmann::json to_json(const Prediction& prediction, const TrainedModel& model) {
  nlohmann::json out = {{"image", prediction.image},     {"label", model.info.classes[prediction.label]},
                        {"entropy", prediction.entropy}, {"uncertainty", prediction.uncertainty()},
                        {"familiarity", nullptr},        {"unlike_training", nullptr}};
  if (prediction.found) {
    const data::FaceBox& box = prediction.found->box;
    out["face"] = prediction.found->number;
    out["box"] = {{"x", box.left}, {"y", box.top}, {"width", box.width}, {"height", box.height}};
  }
  for (std::size_t c = 0; c < prediction.distribution.size(); ++c)
    out["distribution"][model.info.classes[c]] = prediction.distribution[c];
  if (prediction.familiarity) {
    out["familiarity"] = *prediction.familiarity;
    out["unlike_training"] = prediction.unlike_training();
  }
  if (prediction.disagreement) out["disagreement"] = *prediction.disagreement;
  if (prediction.attention.empty()) return out;
  const AttentionMap& map = answering(prediction, model.config.evaluation->head);
  for (auto row = map.values.begin(); row != map.values.end(); row += map.width)
    out["attention"].push_back(std::vector<float>(row, row + map.width));
  return out;
}

nlohmann::json json_without_face(const std::string& image) {
  return {{"image", image}, {"face", 0}, {"note", kNoFace}};
}

std::string CsvTable::header() const {
  std::string line = "image,";
  if (detected_) line += "face,x,y,width,height,note,";
  line += "label,entropy,uncertainty,disagreement,familiarity,unlike_training";
  for (const std::string& name : classes_) line += fmt::format(",{}", quoted(name));
  return line;
}

std::string CsvTable::row(const Prediction& prediction) const {
  std::string line = fmt::format("{},", quoted(prediction.image));
  if (detected_) {
    const FoundFace found = prediction.found.value_or(FoundFace{});
    line +=
        fmt::format("{},{},{},{},{},,", found.number, found.box.left, found.box.top, found.box.width, found.box.height);
  }
  line += fmt::format("{},{:.6g},{:.6g},", quoted(classes_[prediction.label]), prediction.entropy,
                      prediction.uncertainty());
  if (prediction.disagreement) line += fmt::format("{:.6g}", *prediction.disagreement);
  line += ',';
  if (prediction.familiarity)
    line += fmt::format("{:.4f},{}", *prediction.familiarity, prediction.unlike_training());
  else
    line += ',';
  for (const float share : prediction.distribution) line += fmt::format(",{:.6g}", share);
  return line;
}

std::string CsvTable::row_without_face(const std::string& image) const {
  constexpr std::size_t kOthers = 6;  // from the label to unlike_training
  return fmt::format("{},0,,,,,{}{}", quoted(image), kNoFace, std::string(kOthers + classes_.size(), ','));
}

std::string to_text(const Prediction& prediction, const std::vector<std::string>& classes) {
  std::string line = prediction.image;
  if (prediction.found) {
    const data::FaceBox& box = prediction.found->box;
    line +=
        fmt::format("  face {} at {},{} of {}x{}", prediction.found->number, box.left, box.top, box.width, box.height);
  }
  line += fmt::format("  {}  {:.1f} %  entropy {:.3f} nats", classes[prediction.label],
                      100 * (1 - prediction.uncertainty()), prediction.entropy);
  if (prediction.familiarity) line += fmt::format("  familiarity {:.3f}", *prediction.familiarity);
  if (prediction.unlike_training()) line += "  unlike the training faces";
  return line;
}

}  // namespace penumbra::trainer
