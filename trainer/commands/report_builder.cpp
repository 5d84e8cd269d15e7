#include "trainer/commands/report_builder.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/string_view.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/import/image_file.h"
#include "data/store/rows.h"
#include "trainer/config_fields.h"
#include "trainer/evaluation/entropy_ceiling.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/loop/predict.h"
#include "trainer/loop/training_options.h"
#include "trainer/prediction/prediction.h"
#include "trainer/report/gallery_choice.h"
#include "trainer/report/run_names.h"
#include "trainer/version.h"

namespace penumbra::trainer {
namespace {

constexpr int kLargestFace = 128, kFaceWidth = 96;  // pixels: shrunk to, and enlarged to at least

/// Every key and its value.
std::vector<std::pair<std::string, std::string>> values_of(Config config) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Field& field : fields(config)) out.emplace_back(field.key, field.value());
  return out;
}

/// Runs of equal configurations but for these are of one method.
std::vector<std::pair<std::string, std::string>> method_of(const ReportedRun& run) {
  auto config = run.config;
  std::erase_if(config, [](const auto& key) { return key.first == "run.seed" || key.first == "run.dir"; });
  return config;
}

/// What environment.json says; nothing where it is not there.
void read_environment(const RunFolder& folder, ReportedRun& run) {
  const nlohmann::json found = folder.facts("environment");
  const auto text = [&](const char* key) {
    if (!found.is_object() || !found.contains(key)) return std::string();
    return found[key].is_string() ? found[key].get<std::string>() : found[key].dump();
  };
  run.version = text("penumbra");
  run.torch = text("torch");
  run.host = text("host");
  run.ranks = text("world_size");
}

std::string picture_of(const data::SampleSet& set, std::int64_t row, const std::vector<AttentionMap>& attention) {
  data::Image face = data::image_of_row(set, row);
  if (face.width > kLargestFace) face = data::resize(face, kLargestFace);
  const std::vector<std::uint8_t> png = data::encode_png(overlay(face, attention, kFaceWidth));
  return absl::Base64Escape(absl::string_view(reinterpret_cast<const char*>(png.data()), png.size()));
}

/// human: [N, C], or empty.
Gallery gallery_of(const char* title, const std::vector<std::int64_t>& rows, EvaluatedRun& run,
                   std::span<const float> human, bool shows_faces) {
  Gallery gallery{title, {}};
  const data::SampleSet faces = data::rows_of(run.set, rows);
  const auto classes = static_cast<std::size_t>(faces.classes());
  const std::vector<Prediction> found = predict_faces(*run.model, faces, shows_faces);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Prediction& prediction = found[i];
    ReportedFace face{prediction.image, static_cast<std::size_t>(faces.labels[i]), prediction.label, {}, {}, 0, {}, {}};
    if (!human.empty()) {
      const auto votes = human.subspan(static_cast<std::size_t>(rows[i]) * classes, classes);
      face.human.assign(votes.begin(), votes.end());
    }
    face.shares.assign(prediction.distribution.begin(), prediction.distribution.end());
    face.entropy = prediction.entropy;
    face.disagreement = prediction.disagreement;
    if (shows_faces) face.picture = picture_of(faces, static_cast<std::int64_t>(i), prediction.attention);
    gallery.faces.push_back(std::move(face));
  }
  return gallery;
}

/// `items` in the order that `order` gives.
template <typename T>
void reorder(std::vector<T>& items, const std::vector<std::size_t>& order) {
  std::vector<T> sorted;
  for (const std::size_t i : order) sorted.push_back(std::move(items[i]));
  items = std::move(sorted);
}

}  // namespace

ReportBuilder::ReportBuilder(const SplitArguments& split, const ReportOptions& options) : options_(options) {
  report_.version = kVersion;
  report_.files = split.files;
  report_.split = split.split;
  report_.resamples = options.resamples;
  report_.shows_faces = options.shows_faces;
}

void ReportBuilder::describe_faces(const data::SampleSet& set) {
  report_.classes = set.info.classes;
  report_.source = set.info.source;
  report_.label_rule = set.info.label_rule;
  report_.image_size = set.info.image_size;
  report_.channels = set.info.channels;
  report_.labels.assign(set.labels.begin(), set.labels.end());
  report_.human = vote_distribution(set);
  report_.spearman_ceiling = entropy_ceiling(set);
}

void ReportBuilder::add(const std::string& folder, EvaluatedRun& run, const std::vector<float>& posterior) {
  if (report_.runs.empty()) describe_faces(run.set);
  const RunFolder files(folder);
  const TrainedModel& model = *run.model;
  ReportedRun out;
  out.folder = folder;
  out.log = TrainingLog(files.metrics());
  out.seed = model.config.seed;
  out.trained_as = name_of(model.config.train->method);
  out.head = name_of(model.config.evaluation->head);
  out.weights = std::filesystem::path(model.checkpoint).stem().string();
  out.epochs = model.config.train->epochs;
  out.temperature = model.temperature;
  out.config = values_of(model.config);
  read_environment(files, out);
  out.posterior = with_temperature(posterior, run.set.classes(), model.temperature);
  RunColumns columns = columns_of(run, posterior);
  const GalleryChoice choice = choose_faces(columns.calibrated, options_.gallery);
  const auto show = [&](const char* title, const std::vector<std::int64_t>& rows) {
    out.galleries.push_back(gallery_of(title, rows, run, report_.human, options_.shows_faces));
  };
  show("Most uncertain", choice.most_uncertain);
  show("Least uncertain", choice.least_uncertain);
  show("Most confidently wrong", choice.confidently_wrong);
  report_.runs.push_back(std::move(out));
  report_.plain.push_back(std::move(columns.plain));
  report_.calibrated.push_back(std::move(columns.calibrated));
}

/// Numbers the methods in the order of their first runs, and brings the runs of each together.
void ReportBuilder::group_by_method() {
  std::vector<std::vector<std::pair<std::string, std::string>>> known;
  std::vector<std::size_t> order(report_.runs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (ReportedRun& run : report_.runs) {
    auto method = method_of(run);
    const auto same = std::find(known.begin(), known.end(), method);
    run.method = static_cast<std::size_t>(same - known.begin());
    if (same == known.end()) known.push_back(std::move(method));
  }
  const auto before = [&](std::size_t a, std::size_t b) { return report_.runs[a].method < report_.runs[b].method; };
  std::stable_sort(order.begin(), order.end(), before);
  reorder(report_.runs, order);
  reorder(report_.plain, order);
  reorder(report_.calibrated, order);
  std::vector<std::string> folders;
  for (const ReportedRun& run : report_.runs) folders.push_back(run.folder);
  const std::vector<std::string> names = run_names(folders);
  for (std::size_t i = 0; i < names.size(); ++i) {
    report_.runs[i].name = names[i];
    if (report_.methods.size() <= report_.runs[i].method) report_.methods.emplace_back().first = i;
    ++report_.methods.back().runs;
  }
  for (ReportedMethod& method : report_.methods) {
    method.name = method_name(std::span(names).subspan(method.first, method.runs));
    if (method.name.empty()) method.name = fmt::format("method {}", &method - report_.methods.data() + 1);
  }
}

void ReportBuilder::compare_methods(const BootstrapOptions& options) {
  const auto part = [](const std::vector<FaceColumns>& all, const ReportedMethod& method) {
    return std::span(all).subspan(method.first, method.runs);
  };
  const ReportedMethod& reference = report_.methods.front();
  for (ReportedMethod& method : std::span(report_.methods).subspan(1)) {
    method.differences = compare_runs(part(report_.plain, method), part(report_.plain, reference), options);
    method.calibrated_differences =
        compare_runs(part(report_.calibrated, method), part(report_.calibrated, reference), options);
  }
}

Report ReportBuilder::finish(int threads) && {
  BootstrapOptions options;
  options.resamples = options_.resamples;
  options.threads = threads;
  group_by_method();
  for (std::size_t i = 0; i < report_.runs.size(); ++i) {
    report_.runs[i].intervals = measure_intervals(report_.plain[i], options);
    report_.runs[i].calibrated_intervals = measure_intervals(report_.calibrated[i], options);
  }
  compare_methods(options);
  return std::move(report_);
}

}  // namespace penumbra::trainer
