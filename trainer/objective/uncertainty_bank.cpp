#include "trainer/objective/uncertainty_bank.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/objective/losses.h"

namespace penumbra::trainer {
namespace {

/// (rank + 1/2) / count among the visited rows of the class, ties sharing their mean rank: every class then has mean
/// 1/2.
at::Tensor rank_within_class(const at::Tensor& u, const at::Tensor& hard, const at::Tensor& visited) {
  const auto host_u = u.to(at::kCPU).contiguous(), host_hard = hard.to(at::kCPU).contiguous();
  const auto host_visited = visited.to(at::kCPU).contiguous();
  const auto* value = host_u.const_data_ptr<float>();
  const auto* label = host_hard.const_data_ptr<std::int64_t>();
  const auto* seen = host_visited.const_data_ptr<bool>();
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < u.size(0); ++i) {
    if (seen[i]) order.push_back(i);
  }
  const auto key = [&](std::int64_t i) { return std::pair(label[i], value[i]); };
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });

  auto ranks = at::zeros_like(host_u);
  auto* rank = ranks.mutable_data_ptr<float>();
  for (auto from = order.begin(); from != order.end();) {
    const auto to = std::find_if(from, order.end(), [&](auto i) { return label[i] != label[*from]; });
    for (auto tie = from; tie != to;) {
      const auto end = std::find_if(tie, to, [&](auto i) { return value[i] != value[*tie]; });
      const auto middle = 0.5 * static_cast<double>((tie - from) + (end - from));
      for (; tie != end; ++tie) rank[*tie] = static_cast<float>(middle / static_cast<double>(to - from));
    }
    from = to;
  }
  return ranks.to(u.device());
}

}  // namespace

UncertaintyBank::UncertaintyBank(at::Tensor labels, at::Tensor hard, UncertaintyOptions options)
    : options_(options), labels_(std::move(labels)), hard_(std::move(hard)) {
  if (labels_.dim() != 2 || labels_.size(1) < 2 || hard_.dim() != 1 || hard_.size(0) != labels_.size(0)) {
    throw std::invalid_argument("uncertainty bank: labels must be [N, C] with C >= 2 and hard labels [N]");
  }
  const auto n = labels_.size(0), classes = labels_.size(1);
  posterior_ = at::full({n, classes}, 1.0 / static_cast<double>(classes), labels_.options());
  divergence_ = at::zeros({n}, labels_.options());
  visited_ = at::zeros({n}, labels_.options().dtype(at::kBool));
  sums_ = at::zeros({n, classes + 2}, labels_.options());
  uncertainty_ = at::zeros_like(divergence_);
  disagreement_ = at::zeros_like(divergence_);
  weight_ = at::zeros_like(divergence_);
  refresh();
}

BankRows UncertaintyBank::rows(const at::Tensor& sample) const {
  const auto u = options_.constant ? 0.5 * visited_.index_select(0, sample).to(labels_.scalar_type())
                                   : uncertainty_.index_select(0, sample);
  return {posterior_.index_select(0, sample), u, disagreement_.index_select(0, sample),
          weight_.index_select(0, sample)};
}

at::Tensor UncertaintyBank::labels(const at::Tensor& sample) const { return labels_.index_select(0, sample); }

at::Tensor UncertaintyBank::hard_labels(const at::Tensor& sample) const { return hard_.index_select(0, sample); }

void UncertaintyBank::update(const at::Tensor& sample, const at::Tensor& posterior, const at::Tensor& divergence) {
  const at::NoGradGuard no_grad;
  const auto rows = sample.size(0);
  const auto d = divergence.defined() ? divergence.to(sums_.options()) : at::zeros({rows}, sums_.options());
  const auto one = at::ones({rows, 1}, sums_.options());
  const auto visits = at::cat({posterior.to(sums_.options()), d.unsqueeze(1), one}, 1);
  sums_.index_add_(0, sample, at::where(visits.isfinite().all(1, /*keepdim=*/true), visits, 0));
}

void UncertaintyBank::end_epoch(comm::Collective& collective) {
  const at::NoGradGuard no_grad;
  collective.all_reduce_sum(sums_).wait();
  const auto classes = labels_.size(1);
  const auto count = sums_.select(1, classes + 1);
  const auto mean = sums_.narrow(1, 0, classes + 1) / count.clamp_min(1).unsqueeze(1);
  const auto seen = count > 0;
  const auto next = [&](const at::Tensor& old, const at::Tensor& visit, const at::Tensor& known,
                        const at::Tensor& now) {
    return at::where(now, at::where(known, options_.momentum * old + (1 - options_.momentum) * visit, visit), old);
  };
  posterior_.copy_(next(posterior_, mean.narrow(1, 0, classes), visited_.unsqueeze(1), seen.unsqueeze(1)));
  divergence_.copy_(next(divergence_, mean.select(1, classes), visited_, seen));
  visited_.logical_or_(seen);
  sums_.zero_();
  refresh();
}

void UncertaintyBank::refresh() {
  const auto known = visited_.to(labels_.scalar_type());
  const auto flatness = entropy(posterior_) / std::log(static_cast<double>(labels_.size(1)));
  // Rounding may leave the unit interval by an ulp, and so would beta.
  uncertainty_.copy_((0.5 * flatness + 0.5 * divergence_).clamp(0, 1) * known);
  if (options_.rank_within_class) uncertainty_.copy_(rank_within_class(uncertainty_, hard_, visited_));
  disagreement_.copy_((js_divergence(labels_.log(), posterior_.log()) / std::numbers::ln2).clamp(0, 1) * known);
  const auto trusted = 1 - 0.5 * uncertainty_;
  weight_.copy_(options_.weight_samples ? trusted / trusted.mean() : at::ones_like(trusted));
}

}  // namespace penumbra::trainer
