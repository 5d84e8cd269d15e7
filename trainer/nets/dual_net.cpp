#include "trainer/nets/dual_net.h"

#include <map>

#include <ATen/core/grad_mode.h>

#include "trainer/nets/autocast.h"

namespace penumbra::trainer {
namespace {

void append(std::vector<NamedTensor>& to, const std::string& prefix, const std::vector<NamedTensor>& from) {
  for (const auto& named : from) to.push_back({prefix + named.name, named.tensor});
}

}  // namespace

// Weights are a pure function of options and seed: constructing f_a anew is a deep copy of f_o's initial state.
DualNet::DualNet(const ResNetOptions& options, Method method, std::uint64_t seed, Convolutions convolutions,
                 at::Device device)
    : method_(method), original_(options, seed) {
  if (method == Method::full) ambiguous_.emplace(options, seed);
  if (ambiguous_ && convolutions == Convolutions::shared) ambiguous_->share_convolutions(original_);
  if (!device.is_cpu()) {
    for (const NamedTensor& named : tensors()) named.tensor.set_data(named.tensor.to(device));
  }
  statistics_ = comm::make_views_of_one(buffers());
}

Views DualNet::forward(const data::Batch& batch, bool bf16) {
  const Autocast autocast(batch.weak.device(), bf16);
  Views views{original_.forward(batch.weak, /*training=*/true), std::nullopt};
  // mixup_only: two forwards, each with its own batch statistics, as if f_o saw two batches. Statistics over a joint
  // batch would fit neither kind of view, and in `full` no net ever normalises the two together: the control differs
  // from it in the coupling only.
  if (method_ == Method::full) views.ambiguous = ambiguous_->forward(batch.ambiguous, /*training=*/true);
  if (method_ == Method::mixup_only) views.ambiguous = original_.forward(batch.ambiguous, /*training=*/true);
  return views;
}

void DualNet::begin_with(const std::vector<NamedTensor>& weights) {
  const at::NoGradGuard no_grad;
  for (ResNet* net : {&original_, ambiguous()}) {
    if (net == nullptr) continue;
    std::map<std::string, at::Tensor> own;
    for (const NamedTensor& named : net->tensors()) own[named.name] = named.tensor;
    for (const NamedTensor& named : weights) own.at(named.name).copy_(named.tensor);
  }
}

void DualNet::synchronise(comm::Collective& collective) {
  original_.synchronise(collective);
  if (ambiguous_) ambiguous_->synchronise(collective);
}

void DualNet::before_use(const ResNet::BeforeUse& call) {
  original_.before_use(call);
  if (ambiguous_) ambiguous_->before_use(call);
}

std::vector<NamedTensor> DualNet::parameters() const {
  std::vector<NamedTensor> all;
  append(all, "original.", original_.parameters());
  if (!ambiguous_) return all;
  std::vector<NamedTensor> own;
  for (std::size_t i = 0; i < original_.parameters().size(); ++i) {
    const NamedTensor& parameter = ambiguous_->parameters()[i];
    if (!parameter.tensor.is_same(original_.parameters()[i].tensor)) own.push_back(parameter);
  }
  append(all, "ambiguous.", own);
  return all;
}

std::vector<NamedTensor> DualNet::buffers() const {
  std::vector<NamedTensor> all;
  append(all, "original.", original_.buffers());
  if (ambiguous_) append(all, "ambiguous.", ambiguous_->buffers());
  return all;
}

std::vector<NamedTensor> DualNet::tensors() const {
  std::vector<NamedTensor> all = parameters();
  append(all, "", buffers());
  return all;
}

}  // namespace penumbra::trainer
