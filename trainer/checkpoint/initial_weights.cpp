#include "trainer/checkpoint/initial_weights.h"

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "data/loader_options.h"
#include "trainer/loop/training_options.h"
#include "trainer/nets/pretrained_options.h"

namespace penumbra::trainer {
namespace {

void warn_of_another_norm(const std::map<std::string, std::string>& metadata, const Config& config) {
  for (const auto& [key, own] :
       {std::pair{"mean", config.loader->norm.mean}, std::pair{"deviation", config.loader->norm.deviation}}) {
    const auto theirs = metadata.find(key);
    if (theirs == metadata.end() || theirs->second == fmt::format("{}", own)) continue;
    spdlog::warn("{}: trained with data.{} = {}, this run has {}", config.pretrained->file, key, theirs->second, own);
  }
}

}  // namespace

std::optional<Pretrained> read_pretrained(const Config& config, const data::StoreInfo& info) {
  if (config.pretrained->file.empty()) return std::nullopt;
  const SafetensorsFile file = load_safetensors(config.pretrained->file);
  const ResNet net(net_for(config, info), config.seed);
  try {
    const Pretrained found = fit_pretrained(file, *config.pretrained, net.tensors(), info.classes);
    warn_of_another_norm(file.metadata, config);
    return found;
  } catch (const std::invalid_argument& problem) {
    throw ConfigError(
        fmt::format("net.pretrained = {}: {}: see net.depth, net.width, net.stem and net.pretrained_names",
                    config.pretrained->file, problem.what()));
  }
}

void announce(const Config& config, const Pretrained& pretrained) {
  const char* nets = config.train->method == Method::full ? "both nets begin" : "the net begins";
  spdlog::info("{} with the weights of {}", nets, config.pretrained->file);
  for (const std::string& line : account(pretrained)) spdlog::info("{}", line);
}

}  // namespace penumbra::trainer
