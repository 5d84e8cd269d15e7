#include "trainer/loop/step.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "data/error.h"
#include "trainer/evaluation/measures.h"

namespace penumbra::trainer {
namespace {

ResNetOptions net_for(const Config& config, const data::SampleSet& set) {
  ResNetOptions options = config.net;
  options.channels = set.info.channels;
  options.classes = static_cast<int>(set.classes());
  return options;
}

std::vector<at::Tensor> tensors(const std::vector<NamedTensor>& named) {
  std::vector<at::Tensor> out;
  for (const NamedTensor& item : named) out.push_back(item.tensor);
  return out;
}

std::vector<at::Tensor> copies(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> out;
  for (const at::Tensor& tensor : tensors) out.push_back(tensor.clone());
  return out;
}

/// Running statistics of a step whose gradient is not finite are not kept either.
void keep_if_finite(const std::vector<at::Tensor>& buffers, const std::vector<at::Tensor>& before,
                    const at::Tensor& gradient_norm) {
  const at::Tensor finite = gradient_norm.isfinite();
  for (std::size_t i = 0; i < buffers.size(); ++i) buffers[i].copy_(at::where(finite, buffers[i], before[i]));
}

at::Tensor hard_labels(const data::SampleSet& set) {
  const at::Tensor labels = at::empty({set.size()}, at::kLong);
  std::copy(set.labels.begin(), set.labels.end(), labels.mutable_data_ptr<std::int64_t>());
  return labels;
}

}  // namespace

at::Tensor training_labels(const data::SampleSet& set, Labels labels) {
  if (labels == Labels::hard) return at::one_hot(hard_labels(set), set.classes()).to(at::kFloat);
  const std::vector<float> votes = vote_distribution(set);
  if (votes.empty()) throw data::DataError("train.labels = \"votes\", but the training set has no votes: use \"hard\"");
  const at::Tensor out = at::empty({set.size(), set.classes()}, at::kFloat);
  std::copy(votes.begin(), votes.end(), out.mutable_data_ptr<float>());
  return out;
}

TrainingState::TrainingState(const Config& config, const data::SampleSet& train, comm::Collective& collective,
                             at::Device on)
    : device(on),
      nets(net_for(config, train), config.train.method, config.seed, on),
      parameters(nets.parameters()),
      gradients(parameters, tensors(nets.buffers()), collective, config.sync),
      optimizer(parameters, config.optimizer, gradients.owned()),
      bank(training_labels(train, config.train.labels).to(on), hard_labels(train).to(on), config.uncertainty) {
  comm::broadcast_state(parameters, tensors(nets.buffers()), collective);
  if (config.train.norm == Norm::sync) nets.synchronise(collective);
  nets.before_use([this](const at::Tensor& parameter) { gradients.await_values(parameter); });
  if (config.train.ema_decay > 0) average.emplace(parameters, tensors(nets.buffers()), config.train.ema_decay);
}

StepResult training_step(TrainingState& state, const data::Batch& batch, const Config& config, Progress progress) {
  const std::vector<data::Batch> parts = data::split(data::to_device(batch, state.device), config.train.accumulate);
  StepResult result;
  const bool skips = config.train.non_finite == NonFinite::skip;
  const std::vector<at::Tensor> buffers = skips ? tensors(state.nets.buffers()) : std::vector<at::Tensor>{};
  const std::vector<at::Tensor> before = copies(buffers);
  state.gradients.begin_step(static_cast<int>(parts.size()));
  for (const data::Batch& part : parts) {
    const Views views = state.nets.forward(part, config.train.precision == Precision::bf16);
    Objective loss = objective(views, part, state.bank, state.nets, config.objective, progress);
    loss.total.backward();  // in the last part a bucket leaves as soon as its last gradient is there
    state.bank.update(part.sample, loss.posterior, loss.divergence);
    result.parts.push_back(std::move(loss));
  }
  state.gradients.finish_step();
  const double rate =
      learning_rate_at(config.schedule, progress.epoch, progress.epochs, static_cast<double>(batch.global_size));
  result.gradient_norm = state.gradients.norm();
  state.optimizer.step(rate, result.gradient_norm, skips);
  keep_if_finite(buffers, before, result.gradient_norm);
  state.gradients.share_values();
  if (state.average) {
    state.gradients.await_values();
    state.average->update();
  }
  return result;
}

}  // namespace penumbra::trainer
