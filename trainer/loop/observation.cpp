#include "trainer/loop/observation.h"

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "trainer/nets/autocast.h"
#include "trainer/objective/losses.h"

namespace penumbra::trainer {
namespace {

/// The attention maps of each face's label alone, [B, h * w] fp32.
at::Tensor label_maps(const at::Tensor& features, const at::Tensor& fc_weight, const at::Tensor& hard) {
  const at::Tensor weights = fc_weight.detach().index_select(0, hard).unsqueeze(1);  // [B, 1, K]
  return at::bmm(weights, features.detach().to(at::kFloat).flatten(2)).squeeze(1);
}

/// Rows of `space` in the result, from one space's posterior [B, C].
void add_uncertainty(Observation& into, std::size_t space, const at::Tensor& posterior, const at::Tensor& hard,
                     double global_size) {
  const at::Tensor u = entropy(posterior) / std::log(static_cast<double>(posterior.size(1)));
  into.uncertainty[space] = u.sum() / global_size;
  // What is not a number has no bucket, but must not become an index either; such steps are left out of all sums.
  const at::Tensor bucket =
      (u * (kUncertaintyBuckets - 1)).ceil().sub(1).nan_to_num(0).clamp(0, kUncertaintyBuckets - 1);
  into.histogram.select(0, static_cast<std::int64_t>(space)).index_add_(0, bucket.to(at::kLong), at::ones_like(u));
  into.class_uncertainty.select(0, static_cast<std::int64_t>(space)).index_add_(0, hard, u);
}

void add_attention(Observation& into, std::size_t space, const at::Tensor& maps, double global_size) {
  const double cells = static_cast<double>(maps.size(1));
  into.attention_norm[space] =
      at::linalg_vector_norm(maps, 2, at::IntArrayRef{1}).sum() / (std::sqrt(cells) * global_size);
  into.attention_spread[space] = maps.std(1, /*unbiased=*/false).sum() / global_size;
}

/// What the correlation of the two is made of.
at::Tensor moments(const at::Tensor& lambda, const at::Tensor& divergence) {
  const at::Tensor rows = at::stack({at::ones_like(lambda), lambda, divergence}).to(at::kDouble);
  return at::mm(rows, rows.t());
}

}  // namespace

Observation observe(const Views& views, const data::Batch& batch, const at::Tensor& hard, DualNet& nets,
                    const Objective& objective) {
  const at::NoGradGuard no_grad;
  const Autocast off(views.original.logits.device(), false);
  const auto global_size = static_cast<double>(batch.global_size);
  const std::int64_t classes = objective.posterior.size(1);
  const auto options = objective.posterior.options();
  Observation out;
  out.histogram = at::zeros({2, kUncertaintyBuckets}, options);
  out.class_uncertainty = at::zeros({2, classes}, options);
  out.class_count = at::zeros({classes}, options).index_add_(0, hard, at::ones({hard.size(0)}, options));
  add_uncertainty(out, 0, objective.posterior, hard, global_size);
  add_attention(out, 0, label_maps(views.original.features, nets.original().fc_weight(), hard), global_size);
  const at::Tensor zero = at::zeros({}, options);
  out.mix_moments = at::zeros({3, 3}, options.dtype(at::kDouble));
  out.agreement = out.uncertainty[1] = out.attention_norm[1] = out.attention_spread[1] = zero;
  if (!views.ambiguous) return out;
  const at::Tensor ambiguous = at::softmax(views.ambiguous->logits.detach().to(options), 1);
  ResNet& net = nets.ambiguous() != nullptr ? *nets.ambiguous() : nets.original();
  add_uncertainty(out, 1, ambiguous, hard, global_size);
  add_attention(out, 1, label_maps(views.ambiguous->features, net.fc_weight(), hard), global_size);
  out.mix_moments = moments(batch.lambda, objective.divergence);
  out.agreement = (objective.posterior.argmax(1) == ambiguous.argmax(1)).to(at::kFloat).sum() / global_size;
  return out;
}

}  // namespace penumbra::trainer
