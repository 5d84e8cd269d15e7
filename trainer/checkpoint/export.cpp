#include "trainer/checkpoint/export.h"

#include <map>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "comm/flat_parameters.h"
#include "data/loader_options.h"
#include "trainer/checkpoint/checkpoint_folder.h"
#include "trainer/checkpoint/training_arrays.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/loop/training_options.h"
#include "trainer/nets/weights.h"

namespace penumbra::trainer {
namespace {

TrainedModel from_checkpoint(const std::filesystem::path& run, const std::string& name) {
  const CheckpointFolder checkpoints(run);
  const Manifest manifest = checkpoints.manifest_of(name);
  const Config config = load_config({RunFolder(run).config().string()}, {});
  data::StoreInfo info;
  info.classes = manifest.classes;
  info.channels = manifest.channels;
  info.image_size = manifest.image_size;
  TrainedModel model{config,
                     info,
                     DualNet(net_for(config, info), config.train->method, config.seed, config.train->convolutions),
                     manifest.temperature,
                     checkpoints.path_of(name).string(),
                     std::nullopt,
                     std::nullopt};
  if (manifest.position.step == 0) model.epoch = manifest.position.epoch - 1;
  restore_nets(model.nets, checkpoints.load(name, manifest));
  return model;
}

}  // namespace

std::string architecture(const ResNetOptions& net) {
  std::string text = fmt::format("resnet{}", net.depth);
  if (net.stem != "imagenet") {
    text += fmt::format(", conv1 {0}x{0} stride {1}, no maxpool", net.stem_stride == 3 ? 5 : 3, net.stem_stride);
  }
  if (net.width != 64) text += fmt::format(", width {}", net.width);
  if (net.last_stride != 2) text += fmt::format(", layer4 stride {}", net.last_stride);
  return text;
}

TrainedModel load_from(const std::filesystem::path& run, const std::string& from) {
  const RunFolder folder(run);
  const CheckpointFolder checkpoints(run);
  const bool has_weights = std::filesystem::exists(folder.weights("best")) || folder.finished();
  const bool weights = from == "best" || from == "final" || (from.empty() && has_weights);
  const std::vector<std::string> line = checkpoints.lineage();
  if (weights || !std::filesystem::exists(folder.config()) || (from.empty() && line.empty()))
    return load_model(run, from, "");
  const std::string name = from.empty() ? line.front() : from;
  if (!std::filesystem::exists(checkpoints.path_of(name)))
    throw ConfigError(fmt::format("{}: no such checkpoint; penumbra checkpoint list {} shows them",
                                  checkpoints.path_of(name).string(), run.string()));
  return from_checkpoint(run, name);
}

void export_net(TrainedModel& model, const std::string& net, const std::filesystem::path& path) {
  ResNet* chosen = net == "ambiguous" ? model.nets.ambiguous() : &model.nets.original();
  if (chosen == nullptr) throw ConfigError("--net ambiguous: this run has trained one net alone");
  save_safetensors(path, chosen->tensors(),
                   {{"format", "pt"},
                    {"architecture", architecture(*model.config.net)},
                    {"classes", nlohmann::json(model.info.classes).dump()},
                    {"channels", std::to_string(model.info.channels)},
                    {"image_size", std::to_string(model.info.image_size)},
                    {"mean", fmt::format("{}", model.config.loader->norm.mean)},
                    {"deviation", fmt::format("{}", model.config.loader->norm.deviation)},
                    {"temperature", fmt::format("{}", is_validated(model, net) ? model.temperature : 1)},
                    {"source", model.checkpoint}});
}

bool is_validated(const TrainedModel& model, const std::string& net) {
  return name_of(model.config.evaluation->head) == net;
}

}  // namespace penumbra::trainer
