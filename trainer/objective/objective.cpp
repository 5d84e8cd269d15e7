#include "trainer/objective/objective.h"

#include <numbers>

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "trainer/nets/autocast.h"
#include "trainer/nets/net_options.h"
#include "trainer/objective/attention_consistency.h"
#include "trainer/objective/losses.h"
#include "trainer/objective/objective_options.h"
#include "trainer/objective/ramp.h"
#include "trainer/objective/soft_label.h"

namespace penumbra::trainer {
namespace {

/// lambda x_i + (1 - lambda) x_partner of rows [B] or [B, C].
at::Tensor mix(const at::Tensor& rows, const at::Tensor& lambda) {
  const auto share = rows.dim() == 2 ? lambda.unsqueeze(1) : lambda;
  return share * rows + (1 - share) * partner_rows(rows);
}

/// L_align of each sample; which side learns is a question of what is detached.
at::Tensor alignment(const at::Tensor& log_m, const at::Tensor& log_p, Divergence divergence) {
  if (divergence == Divergence::js) return js_divergence(log_m, log_p);
  const auto forward = kl_divergence(log_m.detach(), log_p);
  return divergence == Divergence::forward_kl ? forward : forward + kl_divergence(log_p.detach(), log_m);
}

/// The loss under construction: what all terms share.
struct Terms {
  const Views& views;
  const data::Batch& batch;
  const ObjectiveOptions& options;
  const ClassBalance& balance;
  Objective result{};

  at::Tensor over_global_batch(const at::Tensor& per_sample) const {
    return per_sample.sum() / static_cast<double>(batch.global_size);
  }

  at::Tensor share_correct(const at::Tensor& logits, const at::Tensor& hard) const {
    return over_global_batch((logits.argmax(1) == hard).to(at::kFloat));
  }

  /// Linear in the target, which therefore carries the weights.
  at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& target) const {
    return over_global_batch(
        soft_cross_entropy(balance.shift.defined() ? full_precision(logits) + balance.shift : logits, target));
  }

  void add_cross_entropy(const at::Tensor& soft, const at::Tensor& hard) {
    const auto target = balance.weight.defined() ? balance.weight.index_select(0, hard).unsqueeze(1) * soft : soft;
    const auto original = cross_entropy(views.original.logits, target);
    result.ce_original = original.detach();
    result.correct_original = share_correct(views.original.logits, hard);
    result.total = original;
    if (!views.ambiguous) return;
    const auto& logits = views.ambiguous->logits;
    const auto ambiguous = cross_entropy(logits, mix(target, batch.lambda));
    result.ce_ambiguous = ambiguous.detach();
    result.correct_ambiguous = share_correct(logits, hard);
    result.total = result.total + ambiguous;
  }

  void add(const at::Tensor& weight, const at::Tensor& loss) {
    result.total = result.total + weight.to(loss.scalar_type()) * loss;
  }

  void add_attention(DualNet& nets, const at::Tensor& omega, const at::Tensor& rho) {
    if (options.attention_weight == 0) return;
    auto& original = nets.original();
    const auto term = attention_consistency(attention_maps(views.original.features, original.fc_weight()),
                                            attention_maps(views.ambiguous->features, nets.ambiguous()->fc_weight()),
                                            batch, original.receptive_field(), options);
    const auto loss = over_global_batch(omega * term.loss);
    result.attention = loss.detach();
    result.empty_attention = over_global_batch(term.empty.to(at::kFloat));
    add(rho * options.attention_weight, loss);
  }

  void add_alignment(const at::Tensor& omega, const at::Tensor& rho) {
    if (options.alignment_weight == 0) return;
    const double tau = options.temperature;
    const auto log_p = [&](const NetOutput& out) { return at::log_softmax(full_precision(out.logits) / tau, 1); };
    const auto original = log_p(views.original);
    const auto log_m = log_mixture(original, partner_rows(original), batch.lambda);
    const auto per_sample = alignment(log_m, log_p(*views.ambiguous), options.divergence);
    const auto loss = over_global_batch(omega * (tau * tau) * per_sample);
    result.alignment = loss.detach();
    add(rho * options.alignment_weight, loss);
  }

  /// What the banks store, at temperature 1.
  void record_posteriors() {
    const auto original = at::log_softmax(full_precision(views.original.logits.detach()), 1);
    result.posterior = original.exp();
    if (!views.ambiguous) return;
    const auto ambiguous = at::log_softmax(full_precision(views.ambiguous->logits.detach()), 1);
    const auto log_m = log_mixture(original, partner_rows(original), batch.lambda);
    result.divergence = js_divergence(log_m, ambiguous) / std::numbers::ln2;
  }
};

at::Tensor number(double value) { return at::scalar_tensor(value, at::kDouble); }

}  // namespace

Ramps ramps_at(const ObjectiveOptions& options, Progress progress) {
  const double length = options.ramp_share * progress.epochs;
  const double since_warm_up = progress.epoch - options.warm_up_share * progress.epochs;
  return {number(ramp(progress.epoch, length)), number(ramp(since_warm_up, length)), number(since_warm_up < 0 ? 0 : 1)};
}

Objective objective(const Views& views, const data::Batch& batch, const UncertaintyBank& bank, DualNet& nets,
                    const ObjectiveOptions& options, const Ramps& ramps, const ClassBalance& balance) {
  const Autocast off(views.original.logits.device(), false);
  Terms terms{views, batch, options, balance};
  auto& result = terms.result;
  const auto zero = at::zeros({}, views.original.logits.options().requires_grad(false));
  result.ce_ambiguous = result.correct_ambiguous = result.attention = result.alignment = result.empty_attention = zero;

  const bool coupled = nets.method() == Method::full;
  const auto rows = bank.rows(batch.sample);
  const auto hard = bank.hard_labels(batch.sample);
  const auto soft =
      soft_labels(bank.labels(batch.sample), rows, options.beta_max, coupled ? ramps.soft_labels : zero, options.trust);

  terms.add_cross_entropy(soft.target, hard);
  result.moved = terms.over_global_batch(soft.beta * (1 - rows.posterior.gather(1, hard.unsqueeze(1)).squeeze(1)));
  if (coupled) {
    const auto omega = mix(at::where(ramps.weighted > 0, rows.weight, 1), batch.lambda);
    terms.add_attention(nets, omega, ramps.coupling);
    terms.add_alignment(omega, ramps.coupling);
  }
  terms.record_posteriors();
  return result;
}

}  // namespace penumbra::trainer
