#include "trainer/prediction/prediction.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "trainer/evaluation/distributions.h"
#include "trainer/loop/predict.h"
#include "trainer/nets/attention.h"

namespace penumbra::trainer {
namespace {

AttentionMap as_map(const at::Tensor& values) {
  const at::Tensor dense = values.to(at::kCPU, at::kFloat).contiguous();
  const float* first = dense.const_data_ptr<float>();
  return {static_cast<int>(dense.size(0)), static_cast<int>(dense.size(1)), {first, first + dense.numel()}};
}

/// Adds the map of each row's label to its prediction.
void add_attention(ResNet& net, const data::SampleSet& set, const Config& config, std::vector<Prediction>& found) {
  const at::NoGradGuard no_grad;
  for (std::int64_t first = 0; first < set.size(); first += config.evaluation.batch) {
    const std::int64_t last = std::min(first + config.evaluation.batch, set.size());
    const NetOutput out =
        net.forward(data::plain_views(set, first, last, config.loader.view_size, config.loader.norm), false);
    const at::Tensor maps = attention_maps(out.features, net.fc_weight());
    for (std::int64_t row = first; row < last; ++row) {
      Prediction& prediction = found[static_cast<std::size_t>(row)];
      prediction.attention.push_back(as_map(maps[row - first][static_cast<std::int64_t>(prediction.label)]));
    }
  }
}

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
  const Posteriors posteriors = predict_rows(model.nets, set, 0, set.size(), model.config);
  const std::vector<float> answer =
      with_temperature(head_posterior(posteriors, model.config.evaluation.head), set.classes(), model.temperature);
  const auto classes = static_cast<std::size_t>(set.classes());
  std::vector<Prediction> found;
  for (std::size_t row = 0; row < set.ids.size(); ++row) {
    const auto of = [&](const std::vector<float>& all) { return Shares(all).subspan(row * classes, classes); };
    const Shares p = of(answer);
    found.push_back({set.ids[row], arg_max(p), {p.begin(), p.end()}, entropy(p), std::nullopt, {}});
    if (!posteriors.ambiguous.empty())
      found.back().disagreement = js_divergence(of(posteriors.original), of(posteriors.ambiguous));
  }
  if (!attention) return found;
  add_attention(model.nets.original(), set, model.config, found);
  if (model.nets.ambiguous() != nullptr) add_attention(*model.nets.ambiguous(), set, model.config, found);
  return found;
}

nlohmann::json to_json(const Prediction& prediction, const TrainedModel& model) {
  nlohmann::json out = {{"image", prediction.image},
                        {"label", model.info.classes[prediction.label]},
                        {"entropy", prediction.entropy},
                        {"uncertainty", prediction.uncertainty()}};
  for (std::size_t c = 0; c < prediction.distribution.size(); ++c)
    out["distribution"][model.info.classes[c]] = prediction.distribution[c];
  if (prediction.disagreement) out["disagreement"] = *prediction.disagreement;
  if (prediction.attention.empty()) return out;
  const AttentionMap& map = answering(prediction, model.config.evaluation.head);
  for (auto row = map.values.begin(); row != map.values.end(); row += map.width)
    out["attention"].push_back(std::vector<float>(row, row + map.width));
  return out;
}

std::string csv_header(const std::vector<std::string>& classes) {
  std::string line = "image,label,entropy,uncertainty,disagreement";
  for (const std::string& name : classes) line += fmt::format(",{}", quoted(name));
  return line;
}

std::string to_csv(const Prediction& prediction, const std::vector<std::string>& classes) {
  std::string line = fmt::format("{},{},{:.6g},{:.6g},", quoted(prediction.image), quoted(classes[prediction.label]),
                                 prediction.entropy, prediction.uncertainty());
  if (prediction.disagreement) line += fmt::format("{:.6g}", *prediction.disagreement);
  for (const float share : prediction.distribution) line += fmt::format(",{:.6g}", share);
  return line;
}

}  // namespace penumbra::trainer
