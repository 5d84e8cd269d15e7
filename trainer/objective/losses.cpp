#include "trainer/objective/losses.h"

#include <cmath>
#include <numbers>

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/special_entr.h>

#include "trainer/nets/autocast.h"

namespace penumbra::trainer {
namespace {

// exp(-1e4) is 0 in fp32 and fp64, and 0 * -1e4 is 0 where 0 * log 0 would not be a number.
constexpr double kLogZero = -1e4;

at::Tensor finite(const at::Tensor& log_p) { return full_precision(log_p).clamp_min(kLogZero); }

}  // namespace

at::Tensor soft_cross_entropy(const at::Tensor& logits, const at::Tensor& target) {
  return -(target.detach() * at::log_softmax(full_precision(logits), 1)).sum(1);
}

at::Tensor entropy(const at::Tensor& p) { return at::special_entr(full_precision(p)).sum(1); }

at::Tensor kl_divergence(const at::Tensor& log_p, const at::Tensor& log_q) {
  const auto p = finite(log_p);
  return (p.exp() * (p - finite(log_q))).sum(1);
}

at::Tensor js_divergence(const at::Tensor& log_p, const at::Tensor& log_q) {
  const auto p = finite(log_p), q = finite(log_q);
  const auto middle = at::logaddexp(p, q) - std::numbers::ln2;
  return 0.5 * (kl_divergence(p, middle) + kl_divergence(q, middle));
}

at::Tensor log_mixture(const at::Tensor& log_p, const at::Tensor& log_q, const at::Tensor& lambda) {
  const auto p = full_precision(log_p), q = full_precision(log_q);
  const auto share = lambda.to(p.scalar_type()).unsqueeze(1);
  return at::logaddexp(share.log() + p, (-share).log1p() + q);
}

at::Tensor partner_rows(const at::Tensor& rows) {
  return rows.unflatten(0, {rows.size(0) / 2, 2}).flip(1).flatten(0, 1);
}

}  // namespace penumbra::trainer
