#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
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
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/prediction/face_detector.h"
#include "trainer/prediction/face_files.h"
#include "trainer/prediction/face_reader.h"
#include "trainer/prediction/prediction.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {
namespace {

namespace fs = std::filesystem;

struct PredictArguments {
  ModelArguments model;
  std::vector<std::string> images;
  std::string overlays, cascade;
  bool json = false, csv = false, attention = false, detect = false;
  double margin = 0;
  int batch = 0;  ///< 0: the run's
};

/// FOLDER/NUMBER-NAME.png of a prediction.
void draw_overlay(const std::string& folder, const data::SampleSet& set, std::size_t row, std::size_t number,
                  const Prediction& prediction) {
  const std::string name = fmt::format("{:05}-{}.png", number, fs::path(prediction.image).stem().string());
  data::write_png(fs::path(folder) / name,
                  overlay(data::image_of_row(set, static_cast<std::int64_t>(row)), prediction.attention));
}

/// Prints predictions as they come.
class Printer {
 public:
  Printer(const PredictArguments& arguments, const TrainedModel& model)
      : arguments_(arguments), model_(model), table_(model.info.classes, arguments.detect) {
    if (arguments.csv) fmt::print("{}\n", table_.header());
    if (arguments.json) fmt::print("[");
  }
  void print(const Prediction& prediction) {
    if (arguments_.json) return print_object(to_json(prediction, model_));
    fmt::print("{}\n", arguments_.csv ? table_.row(prediction) : to_text(prediction, model_.info.classes));
  }
  void print_without_face(const std::string& image) {
    if (arguments_.json) return print_object(json_without_face(image));
    fmt::print("{}\n", arguments_.csv ? table_.row_without_face(image) : fmt::format("{}  {}", image, kNoFace));
  }
  void end() const {
    if (arguments_.json) fmt::print("]\n");
  }

 private:
  void print_object(const nlohmann::json& object) { fmt::print("{}{}", printed_++ == 0 ? "" : ",\n", object.dump()); }

  const PredictArguments& arguments_;
  const TrainedModel& model_;
  CsvTable table_;
  std::int64_t printed_ = 0;
};

/// The last complaint ends the program.
void complain(const std::vector<std::string>& bad) {
  if (bad.empty()) return;
  for (std::size_t i = 0; i + 1 < bad.size(); ++i) fmt::print(stderr, "penumbra: error: {}\n", bad[i]);
  throw data::DataError(bad.back());
}

/// Predicts what a reader reads.
class Job {
 public:
  Job(const PredictArguments& arguments, TrainedModel& model)
      : arguments_(arguments), model_(model), printer_(arguments, model) {}

  void take(const FaceBatch& batch) {
    const bool attention = arguments_.attention || !arguments_.overlays.empty();
    std::vector<Prediction> predictions = predict_faces(model_, batch.set, attention);
    std::size_t row = 0;
    for (const ReadFile& file : batch.files) {
      if (!file.problem.empty()) {
        bad_.push_back(file.problem);
      } else if (file.faces == 0) {
        printer_.print_without_face(file.path);
      }
      for (std::size_t face = 0; face < file.faces; ++face, ++row) {
        if (arguments_.detect) predictions[row].found = {static_cast<int>(face) + 1, file.boxes[face]};
        show(batch.set, row, predictions[row]);
      }
    }
  }
  void end() const {
    printer_.end();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    if (faces_ > static_cast<std::size_t>(model_.config.evaluation->batch))
      fmt::print(stderr, "{} faces in {:.1f} s, {:.0f} a second\n", faces_, seconds, faces_ / seconds);
    complain(bad_);
  }

 private:
  void show(const data::SampleSet& set, std::size_t row, Prediction& prediction) {
    ++faces_;
    if (!arguments_.overlays.empty()) draw_overlay(arguments_.overlays, set, row, faces_, prediction);
    if (!arguments_.attention) prediction.attention.clear();
    printer_.print(prediction);
  }

  const PredictArguments& arguments_;
  TrainedModel& model_;
  Printer printer_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::size_t faces_ = 0;
  std::vector<std::string> bad_;
};

void run_predict(const PredictArguments& arguments) {
  at::set_num_threads(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  TrainedModel model = load_model(arguments.model.run, arguments.model.weights, arguments.model.head);
  if (!model.familiarity) {
    fmt::print(stderr, "{}: written before familiarity was measured, or without a validation split\n",
               model.checkpoint);
  }
  if (arguments.batch > 0) model.config.evaluation->batch = arguments.batch;
  const std::vector<std::string> files = face_files(arguments.images);
  if (!arguments.overlays.empty()) data::make_folder(arguments.overlays);
  std::unique_ptr<FaceDetector> detector;
  if (arguments.detect) detector = load_face_detector(arguments.cascade);
  FaceReader reader(
      files, {model.info, static_cast<std::size_t>(model.config.evaluation->batch), detector.get(), arguments.margin});
  Job job(arguments, model);
  while (const std::optional<FaceBatch> batch = reader.next()) job.take(*batch);
  job.end();
}

}  // namespace

void add_predict(CLI::App& app) {
  auto arguments = std::make_shared<PredictArguments>();
  CLI::App* command = app.add_subcommand("predict", "Label distribution and uncertainty of face images");
  add_model_options(*command, arguments->model);
  command
      ->add_option("images", arguments->images,
                   "PNG or JPEG files of cropped faces, or with --detect of anything, and folders of them")
      ->required();
  command->add_option("--overlay", arguments->overlays,
                      "folder for a PNG an image: the face, and where each net looks for the predicted class");
  CLI::Option* json = command->add_flag("--json", arguments->json, "a JSON array, one object an image");
  command->add_flag("--csv", arguments->csv, "a table with a header row")->excludes(json);
  command->add_flag("--attention", arguments->attention, "add the attention map of the predicted class")->needs(json);
  CLI::Option* detect =
      command->add_flag("--detect", arguments->detect, "the images are photographs: find their faces");
  command
      ->add_option("--cascade", arguments->cascade, "OpenCV's cascade to find them with, instead of its frontal faces")
      ->needs(detect);
  command->add_option("--margin", arguments->margin, "more on each side of a found face, as a share of its side")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 2.0))
      ->needs(detect);
  command->add_option("--batch", arguments->batch, "images a batch, over the run's evaluation.batch")
      ->check(CLI::Range(1, 65536));
  command->footer("Example: penumbra predict runs/a faces/ --csv --overlay looks/");
  command->callback([arguments] { run_predict(*arguments); });
}

}  // namespace penumbra::trainer
