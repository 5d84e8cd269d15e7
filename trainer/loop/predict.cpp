#include "trainer/loop/predict.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "data/loader_options.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/loop/training_options.h"
#include "trainer/nets/autocast.h"

namespace penumbra::trainer {
namespace {

at::Tensor posterior_of(const NetOutput& out) { return at::softmax(out.logits.to(at::kFloat), 1); }

/// What a net says of a batch: of the views as they are, and the posterior over them and, with `flip`, their mirror
/// images.
struct Answer {
  NetOutput plain;
  at::Tensor posterior;
};

Answer ask(ResNet& net, const at::Tensor& x, bool flip) {
  Answer answer{net.forward(x, false), {}};
  answer.posterior = posterior_of(answer.plain);
  if (flip) answer.posterior = (answer.posterior + posterior_of(net.forward(at::flip(x, {3}), false))).mul_(0.5);
  return answer;
}

void append(std::vector<float>& out, const at::Tensor& rows) {
  const at::Tensor dense = rows.to(at::kCPU).contiguous();
  out.insert(out.end(), dense.const_data_ptr<float>(), dense.const_data_ptr<float>() + dense.numel());
}

/// Every rank's rows in one place: each row is non-zero on one rank only, so the sum is exact.
std::vector<float> gather_rows(const std::vector<float>& mine, std::int64_t offset, std::int64_t total,
                               comm::Collective& collective) {
  const at::Tensor all = at::zeros({total}, at::kFloat);
  std::copy(mine.begin(), mine.end(), all.mutable_data_ptr<float>() + offset);
  collective.all_reduce_sum(all).wait();
  return {all.const_data_ptr<float>(), all.const_data_ptr<float>() + total};
}

}  // namespace

at::Tensor pooled_features(const NetOutput& out) { return full_precision(out.features).mean({2, 3}).to(at::kCPU); }

Posteriors predict_rows(DualNet& nets, const data::SampleSet& set, std::int64_t begin, std::int64_t end,
                        const Config& config, const SeeBatch& see) {
  const at::NoGradGuard no_grad;
  const at::Device device = nets.original().fc_weight().device();
  const Autocast autocast(device, config.train->precision == Precision::bf16);
  Posteriors out;
  for (std::int64_t first = begin; first < end; first += config.evaluation->batch) {
    const std::int64_t last = std::min(first + config.evaluation->batch, end);
    const at::Tensor x = data::plain_views(set, first, last, config.loader->view_size, config.loader->norm).to(device);
    const Answer original = ask(nets.original(), x, config.evaluation->flip);
    append(out.original, original.posterior);
    std::optional<Answer> ambiguous;
    if (nets.ambiguous() != nullptr) {
      ambiguous = ask(*nets.ambiguous(), x, config.evaluation->flip);
      append(out.ambiguous, ambiguous->posterior);
    }
    if (!see) continue;
    const Autocast off(device, false);
    see(first, original.plain, ambiguous ? &ambiguous->plain : nullptr);
  }
  return out;
}

Posteriors predict_set(DualNet& nets, const data::SampleSet& set, const Config& config, comm::Collective& collective,
                       const SeeBatch& see) {
  const std::int64_t begin = set.size() * collective.rank() / collective.world_size();
  const std::int64_t end = set.size() * (collective.rank() + 1) / collective.world_size();
  const Posteriors mine = predict_rows(nets, set, begin, end, config, see);
  const std::int64_t offset = begin * set.classes(), total = set.size() * set.classes();
  Posteriors all;
  all.original = gather_rows(mine.original, offset, total, collective);
  if (nets.ambiguous() != nullptr) all.ambiguous = gather_rows(mine.ambiguous, offset, total, collective);
  return all;
}

std::vector<float> head_posterior(const Posteriors& posteriors, Head head) {
  if (head == Head::original) return posteriors.original;
  if (posteriors.ambiguous.empty())
    throw ConfigError("this run has no ambiguous net: only the head \"original\" exists");
  if (head == Head::ambiguous) return posteriors.ambiguous;
  std::vector<float> mean(posteriors.original.size());
  std::transform(posteriors.original.begin(), posteriors.original.end(), posteriors.ambiguous.begin(), mean.begin(),
                 [](float a, float b) { return 0.5f * (a + b); });
  return mean;
}

std::vector<float> with_temperature(const std::vector<float>& posterior, std::int64_t classes, double temperature) {
  std::vector<float> out(posterior.size());
  for (std::size_t row = 0; row < posterior.size(); row += static_cast<std::size_t>(classes)) {
    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) sum += std::pow(posterior[row + c], 1 / temperature);
    for (std::int64_t c = 0; c < classes; ++c) {
      out[row + c] = static_cast<float>(std::pow(posterior[row + c], 1 / temperature) / sum);
    }
  }
  return out;
}

}  // namespace penumbra::trainer
