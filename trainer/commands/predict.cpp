#include "trainer/loop/predict.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <thread>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/error.h"
#include "data/import/image_file.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/options.h"
#include "trainer/nets/attention.h"
#include "trainer/objective/losses.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {
namespace {

struct Arguments {
  ModelArguments model;
  std::vector<std::string> images;
  bool json = false, attention = false;
};

data::SampleSet as_set(const std::vector<std::string>& files, const data::StoreInfo& info) {
  data::SampleSet set;
  std::vector<std::uint8_t> pixels;
  set.info = info;
  for (const std::string& file : files) {
    const data::Image image = data::resize(data::to_channels(data::read_image(file), info.channels), info.image_size);
    pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
    set.labels.push_back(0);
    set.ids.push_back(file);
  }
  set.pixels = std::move(pixels);
  return set;
}

double entropy_of(const float* p, std::int64_t classes) {
  double h = 0;
  for (std::int64_t c = 0; c < classes; ++c) h -= p[c] > 0 ? p[c] * std::log(p[c]) : 0;
  return h;
}

/// JS(p, q) in nats.
double disagreement(const float* p, const float* q, std::int64_t classes) {
  std::vector<float> middle(static_cast<std::size_t>(classes));
  for (std::int64_t c = 0; c < classes; ++c) middle[static_cast<std::size_t>(c)] = 0.5f * (p[c] + q[c]);
  return std::max(0.0, entropy_of(middle.data(), classes) - 0.5 * (entropy_of(p, classes) + entropy_of(q, classes)));
}

/// The attention map of one class, rows of numbers.
nlohmann::json attention_of(TrainedModel& model, const data::SampleSet& set, std::int64_t row, std::int64_t label) {
  const at::NoGradGuard no_grad;
  ResNet& net = model.config.evaluation.head == Head::ambiguous ? *model.nets.ambiguous() : model.nets.original();
  const NetOutput out =
      net.forward(data::plain_views(set, row, row + 1, model.config.loader.view_size, model.config.loader.norm), false);
  const at::Tensor map = attention_maps(out.features, net.fc_weight()).select(0, 0).select(0, label).contiguous();
  nlohmann::json rows = nlohmann::json::array();
  for (std::int64_t y = 0; y < map.size(0); ++y) {
    const float* line = map.const_data_ptr<float>() + y * map.size(1);
    rows.push_back(std::vector<float>(line, line + map.size(1)));
  }
  return rows;
}

nlohmann::json describe(TrainedModel& model, const Posteriors& posteriors, const std::vector<float>& answer,
                        const data::SampleSet& set, std::int64_t row, bool attention) {
  const std::int64_t classes = set.classes();
  const float* p = answer.data() + row * classes;
  const auto top = std::max_element(p, p + classes) - p;
  nlohmann::json out = {{"image", set.ids[static_cast<std::size_t>(row)]},
                        {"label", model.info.classes[static_cast<std::size_t>(top)]},
                        {"entropy", entropy_of(p, classes)},
                        {"uncertainty", 1 - p[top]}};
  for (std::int64_t c = 0; c < classes; ++c)
    out["distribution"][model.info.classes[static_cast<std::size_t>(c)]] = p[c];
  if (!posteriors.ambiguous.empty()) {
    out["disagreement"] =
        disagreement(posteriors.original.data() + row * classes, posteriors.ambiguous.data() + row * classes, classes);
  }
  if (attention) out["attention"] = attention_of(model, set, row, top);
  return out;
}

void run_predict(const Arguments& arguments) {
  at::set_num_threads(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  TrainedModel model = load_model(arguments.model.run, arguments.model.weights, arguments.model.head);
  const data::SampleSet set = as_set(arguments.images, model.info);
  const Posteriors posteriors = predict_rows(model.nets, set, 0, set.size(), model.config);
  const std::vector<float> answer =
      with_temperature(head_posterior(posteriors, model.config.evaluation.head), set.classes(), model.temperature);
  nlohmann::json all = nlohmann::json::array();
  for (std::int64_t row = 0; row < set.size(); ++row)
    all.push_back(describe(model, posteriors, answer, set, row, arguments.attention));
  if (arguments.json) {
    fmt::print("{}\n", all.dump());
    return;
  }
  for (const auto& face : all) {
    fmt::print("{}  {}  {:.1f} %  entropy {:.3f} nats\n", face["image"].get<std::string>(),
               face["label"].get<std::string>(), 100 * (1 - face["uncertainty"].get<double>()),
               face["entropy"].get<double>());
  }
}

}  // namespace

void add_predict(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("predict", "Label distribution and uncertainty of face images");
  add_model_options(*command, arguments->model);
  command->add_option("images", arguments->images, "PNG or JPEG files of cropped faces")->required();
  command->add_flag("--attention", arguments->attention, "add the attention map of the predicted class");
  command->add_flag("--json", arguments->json, "a JSON array, one object an image");
  command->footer("Example: penumbra predict runs/a face.png --json");
  command->callback([arguments] { run_predict(*arguments); });
}

}  // namespace penumbra::trainer
