#include "trainer/card/python_code.h"

#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/loader_options.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/nets/net_options.h"

namespace penumbra::trainer {
namespace {

constexpr std::string_view kWeights = R"(import json

import torch
import torch.nn.functional as F
from safetensors import safe_open

with safe_open({file}, "pt") as weights:
    about = weights.metadata()
    w = {{name: weights.get_tensor(name) for name in weights.keys()}}
classes = json.loads(about["classes"])


def norm(x, name):
    return F.batch_norm(x, w[name + ".running_mean"], w[name + ".running_var"], w[name + ".weight"], w[name + ".bias"])


def conv(x, name, stride=1):
    return F.conv2d(x, w[name + ".weight"], stride=stride, padding=w[name + ".weight"].shape[-1] // 2)


)";

constexpr std::string_view kLogits = R"(def logits(x):
    x = F.relu(norm(F.conv2d(x, w["conv1.weight"], stride={stem_stride}, padding={stem_padding}), "bn1"))
{pool}    for stage, blocks in enumerate({blocks}):
        for block in range(blocks):
            name, stride = f"layer{{stage + 1}}.{{block}}", (1, 2, 2, {last_stride})[stage] if block == 0 else 1
            y = x
            for layer, step in enumerate({steps}):
                y = norm(conv(F.relu(y) if layer > 0 else y, f"{{name}}.conv{{layer + 1}}", step), f"{{name}}.bn{{layer + 1}}")
            if name + ".downsample.0.weight" in w:
                x = norm(conv(x, name + ".downsample.0", stride), name + ".downsample.1")
            x = F.relu(x + y)
    return F.linear(x.mean((2, 3)), w["fc.weight"], w["fc.bias"])


)";

constexpr std::string_view kDistribution = R"(@torch.no_grad()
def distribution(faces):
    """faces: [N, {size}, {size}, {channels}] uint8, {colour} -> [N, {classes}], in the order of `classes`"""
    x = (torch.as_tensor(faces).permute(0, 3, 1, 2) / 255 - float(about["mean"])) / float(about["deviation"])
    p = {posterior}
    p = p ** (1 / float(about["temperature"]))
    return p / p.sum(1, keepdim=True)
)";

std::string_view blocks(int depth) {
  if (depth == 10) return "(1, 1, 1, 1)";
  return depth == 18 ? "(2, 2, 2, 2)" : "(3, 4, 6, 3)";
}

}  // namespace

std::string python_code(const TrainedModel& model, const std::string& file) {
  const ResNetOptions& net = *model.config.net;
  const bool imagenet = net.stem == "imagenet";
  const int view = model.config.loader->view_size;
  return fmt::format(kWeights, fmt::arg("file", nlohmann::json(file).dump())) +
         fmt::format(kLogits, fmt::arg("stem_stride", imagenet ? 2 : net.stem_stride),
                     fmt::arg("stem_padding", imagenet ? 3 : 1),
                     fmt::arg("pool", imagenet ? "    x = F.max_pool2d(x, 3, 2, 1)\n" : ""),
                     fmt::arg("blocks", blocks(net.depth)), fmt::arg("last_stride", net.last_stride),
                     fmt::arg("steps", net.depth >= 50 ? "(1, stride, 1)" : "(stride, 1)")) +
         fmt::format(kDistribution, fmt::arg("size", view > 0 ? view : model.info.image_size),
                     fmt::arg("channels", model.info.channels),
                     fmt::arg("colour", model.info.channels == 1 ? "grey" : "RGB"),
                     fmt::arg("classes", model.info.classes.size()),
                     fmt::arg("posterior", model.config.evaluation->flip
                                               ? "(logits(x).softmax(1) + logits(x.flip(3)).softmax(1)) / 2"
                                               : "logits(x).softmax(1)"));
}

}  // namespace penumbra::trainer
