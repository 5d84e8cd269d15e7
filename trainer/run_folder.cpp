#include "trainer/run_folder.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "data/error.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/loop/training_options.h"
#include "trainer/nets/weights.h"
#include "trainer/version.h"

namespace penumbra::trainer {
namespace {

constexpr const char* kMark = "run";

}  // namespace

void write_file(const std::filesystem::path& path, const std::string& text, std::ios::openmode mode) {
  std::ofstream file(path, std::ios::out | std::ios::binary | mode);
  file << text << std::flush;
  if (!file) throw data::DataError(fmt::format("{}: cannot write: {}", path.string(), std::strerror(errno)));
}

void RunFolder::create(const Config& config, int world_size, bool overwrite) const {
  if (!holds_run()) {
    require_nothing_else();
  } else if (std::filesystem::exists(metrics()) && !overwrite) {
    throw ConfigError(fmt::format("{} already holds a run: choose another run.dir, or pass --overwrite to replace it",
                                  path_.string()));
  }
  const auto make = [](const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw ConfigError(fmt::format("run.dir: {}: cannot be made: {}", folder.string(), error.message()));
  };
  make(path_);
  write_facts(kMark, {{"penumbra", kVersion}});  // first: what is half made is a run's, too
  make(path_ / "weights");
  for (const char* name : {"best", "final"}) std::filesystem::remove(weights(name));
  for (const char* name : {"data", "pretrained"}) std::filesystem::remove(facts_path(name));
  remove_failures();
  write_file(this->config(), to_toml(config));
  nlohmann::json machine = environment();
  machine["world_size"] = world_size;
  write_facts("environment", machine);
  write_file(metrics(), "");
}

void RunFolder::reopen(const Config& config, std::uint64_t metrics_bytes) const {
  std::error_code error;
  if (std::filesystem::file_size(metrics(), error) > metrics_bytes && !error)
    std::filesystem::resize_file(metrics(), metrics_bytes, error);
  if (error) throw data::DataError(fmt::format("{}: cannot be cut: {}", metrics().string(), error.message()));
  write_file(this->config(), to_toml(config));
  std::filesystem::remove(weights("final"));
  remove_failures();
}

bool RunFolder::holds_run() const {
  if (std::filesystem::exists(facts_path(kMark))) return true;
  // Older runs have no mark.
  std::ifstream file(facts_path("environment"));
  const nlohmann::json machine = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  return machine.is_object() && machine.contains("penumbra") && std::filesystem::exists(metrics());
}

void RunFolder::require_nothing_else() const {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path_, ignored)) {
    if (entry.is_symlink() && !std::filesystem::exists(entry.path())) {
      throw ConfigError(fmt::format("{}: is a link to {}, which is not there", entry.path().string(),
                                    std::filesystem::read_symlink(entry.path(), ignored).string()));
    }
    if (entry.path().filename() == "checkpoints" && std::filesystem::is_empty(entry.path(), ignored)) continue;
    throw ConfigError(fmt::format("run.dir {}: holds no run of Penumbra, but {}: choose a new or an empty folder",
                                  path_.string(), entry.path().filename().string()));
  }
}

void RunFolder::remove_failures() const {
  std::error_code ignored;
  std::vector<std::filesystem::path> records;
  for (const auto& entry : std::filesystem::directory_iterator(failures(), ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("rank-") && name.ends_with(".json")) records.push_back(entry.path());
  }
  for (const auto& record : records) std::filesystem::remove(record, ignored);
  std::filesystem::remove(failures(), ignored);  // stays where somebody keeps a file in it
}

void RunFolder::write_facts(const std::string& name, const nlohmann::json& facts) const {
  write_file(facts_path(name), facts.dump(2) + "\n");
}

nlohmann::json RunFolder::facts(const std::string& name) const {
  if (!std::filesystem::exists(facts_path(name))) return nullptr;
  std::ifstream file(facts_path(name));
  nlohmann::json facts = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (facts.is_discarded()) throw data::DataError(facts_path(name).string() + ": cannot be read as JSON");
  return facts;
}

std::filesystem::path RunFolder::monitor() const {
  return path_.parent_path() / (path_.filename().string() + ".monitor.json");
}

void RunFolder::append_metrics(const nlohmann::json& row) const {
  write_file(metrics(), row.dump() + "\n", std::ios::app);
}

void save_model(const RunFolder& folder, const std::string& name, DualNet& nets, const data::StoreInfo& info,
                const WeightsNote& note) {
  std::vector<NamedTensor> tensors = nets.tensors();
  if (note.features.defined() && note.features.size(0) > 1) {
    const std::vector<NamedTensor> known = Familiarity(note.features).tensors();
    tensors.insert(tensors.end(), known.begin(), known.end());
  }
  save_safetensors(folder.weights(name), tensors,
                   {{"format", "penumbra"},
                    {"version", kVersion},
                    {"classes", nlohmann::json(info.classes).dump()},
                    {"channels", std::to_string(info.channels)},
                    {"image_size", std::to_string(info.image_size)},
                    {"epoch", std::to_string(note.epoch)},
                    {"temperature", fmt::format("{}", note.temperature)},
                    {"head", name_of(note.head)}});
}

TrainedModel load_model(const std::filesystem::path& run, const std::string& which, const std::string& head) {
  const RunFolder folder(run);
  if (!std::filesystem::exists(folder.config())) {
    throw ConfigError(fmt::format("{}: not a run folder: it has no config.toml", run.string()));
  }
  const bool best = which.empty() && std::filesystem::exists(folder.weights("best"));
  const std::string name = !which.empty() ? which : best ? "best" : "final";
  if (!std::filesystem::exists(folder.weights(name))) {
    throw ConfigError(
        fmt::format("{}: no such weights: the run has not got that far, or had no validation split to find its best",
                    folder.weights(name).string()));
  }
  SafetensorsFile file = load_safetensors(folder.weights(name));
  const std::vector<std::string> sets = head.empty() ? std::vector<std::string>{} : std::vector{"predict.head=" + head};
  const Config config = load_config({folder.config().string()}, sets);
  data::StoreInfo info;
  double temperature = 1;
  std::int64_t epoch = 0;
  try {
    info.classes = nlohmann::json::parse(file.metadata.at("classes")).get<std::vector<std::string>>();
    info.channels = std::stoi(file.metadata.at("channels"));
    info.image_size = std::stoi(file.metadata.at("image_size"));
    epoch = std::stoll(file.metadata.at("epoch"));
    if (file.metadata.at("head") == name_of(config.evaluation->head))
      temperature = std::stod(file.metadata.at("temperature"));
  } catch (const std::exception&) {
    throw data::DataError(fmt::format(
        "{}: not weights of Penumbra: its metadata lacks classes, channels, image_size, epoch, temperature or head",
        folder.weights(name).string()));
  }
  TrainedModel model{config,
                     info,
                     DualNet(net_for(config, info), config.train->method, config.seed, config.train->convolutions),
                     temperature,
                     folder.weights(name).string(),
                     std::nullopt,
                     epoch};
  try {
    model.familiarity = Familiarity::take(file.tensors);
  } catch (const std::invalid_argument& problem) {
    throw data::DataError(fmt::format("{}: {}", folder.weights(name).string(), problem.what()));
  }
  copy_weights(file, model.nets.tensors());
  return model;
}

nlohmann::json environment() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return {{"penumbra", kVersion},
          {"torch", kTorchVersion},
          {"compiler", __VERSION__},
          {"host", host.data()},
          {"cores", std::thread::hardware_concurrency()},
          {"threads", at::get_num_threads()}};
}

}  // namespace penumbra::trainer
