#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/error.h"
#include "data/import/image_file.h"
#include "data/store/durable.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/options.h"
#include "trainer/prediction/face_files.h"
#include "trainer/prediction/prediction.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  ModelArguments model;
  std::vector<std::string> images;
  std::string overlays;
  bool json = false, csv = false, attention = false;
};

/// Faces that were read, as a set of the model's kind, and what is wrong with those that were not.
struct Faces {
  data::SampleSet set;
  std::vector<std::string> bad;
};

Faces read_faces(std::span<const std::string> files, const data::StoreInfo& info) {
  Faces faces;
  std::vector<std::uint8_t> pixels;
  faces.set.info = info;
  for (const std::string& file : files) {
    try {
      const data::Image image = data::resize(data::to_channels(data::read_image(file), info.channels), info.image_size);
      pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
      faces.set.labels.push_back(0);
      faces.set.ids.push_back(file);
    } catch (const data::DataError& error) {
      faces.bad.emplace_back(error.what());
    }
  }
  faces.set.pixels = std::move(pixels);
  return faces;
}

/// FOLDER/NUMBER-NAME.png for each prediction.
void draw_overlays(const std::string& folder, const data::SampleSet& set, const std::vector<Prediction>& found,
                   std::size_t first) {
  for (std::size_t row = 0; row < found.size(); ++row) {
    const data::Image face = data::image_of_row(set, static_cast<std::int64_t>(row));
    const std::string name = fmt::format("{:05}-{}.png", first + row + 1, fs::path(found[row].image).stem().string());
    data::write_png(fs::path(folder) / name, overlay(face, found[row].attention));
  }
}

/// Prints predictions as they come.
class Printer {
 public:
  Printer(const Arguments& arguments, const TrainedModel& model) : arguments_(arguments), model_(model) {
    if (arguments.csv) fmt::print("{}\n", csv_header(model.info.classes));
    if (arguments.json) fmt::print("[");
  }
  void print(const Prediction& prediction) {
    if (arguments_.json) {
      fmt::print("{}{}", printed_++ == 0 ? "" : ",\n", to_json(prediction, model_).dump());
    } else if (arguments_.csv) {
      fmt::print("{}\n", to_csv(prediction, model_.info.classes));
    } else {
      fmt::print("{}  {}  {:.1f} %  entropy {:.3f} nats\n", prediction.image, model_.info.classes[prediction.label],
                 100 * (1 - prediction.uncertainty()), prediction.entropy);
    }
  }
  void end() const {
    if (arguments_.json) fmt::print("]\n");
  }

 private:
  const Arguments& arguments_;
  const TrainedModel& model_;
  std::int64_t printed_ = 0;
};

/// The last complaint ends the program.
void complain(const std::vector<std::string>& bad) {
  if (bad.empty()) return;
  for (std::size_t i = 0; i + 1 < bad.size(); ++i) fmt::print(stderr, "penumbra: error: {}\n", bad[i]);
  throw data::DataError(bad.back());
}

void run_predict(const Arguments& arguments) {
  at::set_num_threads(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  TrainedModel model = load_model(arguments.model.run, arguments.model.weights, arguments.model.head);
  const std::vector<std::string> files = face_files(arguments.images);
  if (!arguments.overlays.empty()) data::make_folder(arguments.overlays);
  const bool attention = arguments.attention || !arguments.overlays.empty();
  const auto batch = static_cast<std::size_t>(model.config.evaluation.batch);
  const auto start = std::chrono::steady_clock::now();
  Printer printer(arguments, model);
  std::vector<std::string> bad;
  for (std::size_t first = 0; first < files.size(); first += batch) {
    const Faces faces = read_faces(std::span(files).subspan(first, std::min(batch, files.size() - first)), model.info);
    bad.insert(bad.end(), faces.bad.begin(), faces.bad.end());
    if (faces.set.size() == 0) continue;
    std::vector<Prediction> found = predict_faces(model, faces.set, attention);
    if (!arguments.overlays.empty()) draw_overlays(arguments.overlays, faces.set, found, first);
    for (Prediction& prediction : found) {
      if (!arguments.attention) prediction.attention.clear();
      printer.print(prediction);
    }
  }
  printer.end();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::size_t read = files.size() - bad.size();
  if (read > batch) fmt::print(stderr, "{} faces in {:.1f} s, {:.0f} a second\n", read, seconds, read / seconds);
  complain(bad);
}

}  // namespace

void add_predict(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("predict", "Label distribution and uncertainty of face images");
  add_model_options(*command, arguments->model);
  command->add_option("images", arguments->images, "PNG or JPEG files of cropped faces, and folders of them")
      ->required();
  command->add_option("--overlay", arguments->overlays,
                      "folder for a PNG an image: the face, and where each net looks for the predicted class");
  CLI::Option* json = command->add_flag("--json", arguments->json, "a JSON array, one object an image");
  command->add_flag("--csv", arguments->csv, "a table with a header row")->excludes(json);
  command->add_flag("--attention", arguments->attention, "add the attention map of the predicted class")->needs(json);
  command->footer("Example: penumbra predict runs/a faces/ --csv --overlay looks/");
  command->callback([arguments] { run_predict(*arguments); });
}

}  // namespace penumbra::trainer
