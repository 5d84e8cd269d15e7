#include "trainer/loop/training_data.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "data/error.h"
#include "data/inspect.h"
#include "data/loader_options.h"
#include "data/render/variants.h"
#include "data/shared_images.h"
#include "data/store/load_split.h"
#include "data/store/reader.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/exit_code.h"
#include "trainer/loop/data_options.h"
#include "trainer/loop/training_options.h"

namespace penumbra::trainer {
namespace {

bool any_has_split(const std::vector<std::string>& files, const std::string& split) {
  return std::any_of(files.begin(), files.end(),
                     [&](const std::string& file) { return data::StoreReader(file).has(split); });
}

void check_shape(const Config& config, const data::StoreInfo& info) {
  const auto differs = [](std::int64_t wanted, std::int64_t found) { return wanted != 0 && wanted != found; };
  const auto classes = static_cast<std::int64_t>(info.classes.size());
  if (differs(config.data->classes, classes)) {
    throw data::DataError(fmt::format("{}: has {} classes, but data.classes = {}", config.data->files.front(), classes,
                                      config.data->classes));
  }
  if (differs(config.data->image_size, info.image_size)) {
    throw data::DataError(fmt::format("{}: its images are {} px wide, but data.image_size = {}",
                                      config.data->files.front(), info.image_size, config.data->image_size));
  }
}

/// Every rank has work for each accumulated part.
void check_accumulation(const Config& config, int world_size) {
  const std::int64_t pairs = config.loader->global_batch / 2 / world_size;
  if (config.train->accumulate <= pairs) return;
  throw ConfigError(
      fmt::format("train.accumulate = {}, but a rank has {} pairs of a batch of {}: use at most that, or a larger "
                  "train.batch",
                  config.train->accumulate, pairs, config.loader->global_batch));
}

/// What can be known before any work is done, on every rank alike.
void check_fit(const Config& config, const TrainingData& data, int world_size) {
  check_shape(config, data.train.info);
  const std::int64_t pairs = config.loader->global_batch / 2;
  if (world_size > pairs) {
    throw ConfigError(
        fmt::format("train.batch = {} has {} pairs for {} ranks: use at most {} ranks or train.batch >= {}",
                    config.loader->global_batch, pairs, world_size, pairs, 2 * world_size));
  }
  check_accumulation(config, world_size);
  if (data.train.size() < config.loader->global_batch) {
    throw data::DataError(fmt::format("the training set has {} faces, fewer than train.batch = {}", data.train.size(),
                                      config.loader->global_batch));
  }
  if (config.train->labels == Labels::votes && data.train.votes.empty()) {
    throw data::DataError("train.labels = \"votes\", but the training set has no votes: use \"hard\"");
  }
  const bool votes = data.validation && !data.validation->votes.empty();
  if (data.validation && config.evaluation->best == Best::majority_accuracy && !votes) {
    throw ConfigError("evaluation.best = \"majority_accuracy\" needs votes in the validation set: use \"accuracy\"");
  }
}

TrainingData open_data(const Config& config) {
  if (config.data->files.empty())
    throw ConfigError("data.files is empty: name at least one store, e.g. --set data.files='[\"faces.h5\"]'");
  TrainingData data;
  const data::ClassOptions classes{config.data->class_map, {}};
  data.train = data::open_split(config.data->files, "train", classes);
  if (any_has_split(config.data->files, "val")) data.validation = data::open_split(config.data->files, "val", classes);
  if (config.loader->mode != data::AmbiguousMode::stored || !config.loader->ambiguous) return data;
  if (!config.data->class_map.empty())
    throw ConfigError("ambiguous.mode = \"stored\" takes a store as it is, without data.class_map: use \"online\"");
  if (config.data->files.size() != 1)
    throw ConfigError("ambiguous.mode = \"stored\" takes exactly one file in data.files");
  const data::StoreReader reader(config.data->files.front());
  if (reader.variants() == 0) {
    throw data::DataError(fmt::format(
        "{}: no stored ambiguous set: run 'penumbra data ambiguous' first, or use ambiguous.mode = \"online\"",
        config.data->files.front()));
  }
  for (int variant = 0; variant < reader.variants(); ++variant) {
    data.variants.push_back(reader.open_variant(variant));
    data::require_options(data.train, data.variants.back(), config.loader->strong, config.loader->view_size);
  }
  return data;
}

/// What fingerprint_of() begins with.
std::string train_fingerprint(const data::SampleSet& train) {
  return fmt::format("train {:016x}", data::fingerprint(train));
}

/// What all ranks must have read alike, as text.
std::string fingerprint_of(const TrainingData& data) {
  std::string text = train_fingerprint(data.train);
  if (data.validation) text += fmt::format(", validation {:016x}", data::fingerprint(*data.validation));
  for (const data::StoredVariant& variant : data.variants) {
    text += fmt::format(", variant {:016x} of seed {} epoch {}", data::fingerprint(variant.pixels), variant.seed,
                        variant.epoch);
  }
  return text;
}

/// Tells one file from another without reading it, also where the paths are equal.
std::string identity_of(const std::vector<std::string>& files) {
  std::string text;
  for (const std::string& file : files) {
    struct stat status {};
    if (stat(file.c_str(), &status) != 0) throw data::DataError(file + ": cannot be looked at");
    text += fmt::format("{} {} {}.{} ", status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  return text;
}

/// Whether this rank sees other files than the first one of its host, which speaks for all that see the same.
bool sees_other_files(const Config& config, comm::World& world) {
  std::string identity;
  world.all_or_none([&] { identity = identity_of(config.data->files); }, exit_code_of);
  return world.broadcast_on_host(identity) != identity;
}

}  // namespace

TrainingData load_training_data(const Config& config, comm::World& world) {
  TrainingData data;
  world.all_or_none(
      [&] {
        data = open_data(config);
        check_fit(config, data, world.size());
      },
      exit_code_of);
  const bool other_files = sees_other_files(config, world);
  const auto take_fingerprint = [&](bool takes) {
    world.all_or_none(
        [&] {
          if (takes) data.fingerprint = fingerprint_of(data);
        },
        exit_code_of);
  };
  take_fingerprint(other_files);  // of its own files, before neighbours fill the memory that it shares with them
  const std::uint64_t limit = static_cast<std::uint64_t>(config.data->memory_limit) << 20;
  data::share_images(data.train.pixels, limit, world, exit_code_of);
  if (data.validation) data::share_images(data.validation->pixels, limit, world, exit_code_of);
  for (data::StoredVariant& variant : data.variants)  // together they are one set
    data::share_images(variant.pixels, limit / data.variants.size(), world, exit_code_of);
  take_fingerprint(world.local_rank() == 0);
  const std::string first = world.broadcast_on_host(data.fingerprint);
  if (!other_files) data.fingerprint = first;
  world.require_agreement("training data", data.fingerprint);
  if (data.variants.empty()) data.windows = data::windows_of(data.train, limit, config.loader->global_batch);
  if (data.windows.divide(data.train.size()))
    data.fingerprint += fmt::format(", read in windows of {} rows", data.windows.rows_per_window);
  if (world.rank() == 0 && limit == 0 && !data.train.pixels.resident())
    spdlog::warn("a host has too little free memory for the images: they are read from the files, in another order");
  return data;
}

bool is_fingerprint_of(const std::string& fingerprint, const data::SampleSet& train) {
  return fingerprint.starts_with(train_fingerprint(train));
}

nlohmann::json describe(const Config& config, const TrainingData& data) {
  nlohmann::json files = nlohmann::json::array();
  for (const std::string& file : config.data->files) {
    const data::StoreReader reader(file);
    files.push_back({{"file", file}, {"source", reader.info().source}, {"label_rule", reader.info().label_rule}});
  }
  nlohmann::json splits = {{"train", data::inspect(data.train)}};
  if (data.validation) splits["val"] = data::inspect(*data.validation);
  return {{"files", files},
          {"classes", data.train.info.classes},
          {"class_map", config.data->class_map},
          {"image_size", data.train.info.image_size},
          {"channels", data.train.info.channels},
          {"fingerprint", data.fingerprint},
          {"splits", splits}};
}

}  // namespace penumbra::trainer
