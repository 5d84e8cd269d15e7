#include "trainer/objective/attention_consistency.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>

#include "trainer/nets/autocast.h"
#include "trainer/objective/losses.h"
#include "trainer/objective/objective_options.h"

namespace penumbra::trainer {
namespace {

// Keeps the gradient of a norm finite for a map that is flat over V.
constexpr double kNormEpsilon = 1e-12;

struct Carried {
  at::Tensor target;   // T [B, C, h, w]
  at::Tensor covered;  // V [B, h, w] bool
};

/// Ambiguous view coordinates -> weak view coordinates of the sample whose weak map is `weak`.
MapWarp warp_into(const at::Tensor& weak, const at::Tensor& maps, const data::Batch& batch, ReceptiveField field,
                  bool enabled) {
  const auto& theta = batch.ambiguous_theta;
  const auto G = enabled ? compose_affine(inverse_affine(weak), theta)
                         : at::eye(2, 3, theta.options()).expand({theta.size(0), 2, 3});
  return warp_matrix(G, maps.size(2), maps.size(3), static_cast<int>(batch.weak.size(3)), field);
}

Carried carry(const at::Tensor& original, const data::Batch& batch, ReceptiveField field,
              const ObjectiveOptions& options) {
  const auto own = warp_into(batch.weak_theta, original, batch, field, options.warp);
  const auto source = apply_warp(own, original);
  if (options.target == Target::unmixed) return {source, own.covered};
  const auto other = warp_into(partner_rows(batch.weak_theta), original, batch, field, options.warp);
  const auto partner = apply_warp(other, partner_rows(original));
  const auto share = batch.box.defined() ? source_share(batch.box, batch.ambiguous_theta, original.size(2),
                                                        original.size(3), static_cast<int>(batch.weak.size(3)), field)
                                         : batch.lambda.reshape({-1, 1, 1, 1});
  const auto unmixed = (batch.lambda == 1).reshape({-1, 1, 1});
  return {share * source + (1 - share) * partner, own.covered.logical_and(other.covered.logical_or(unmixed))};
}

/// maps [B, C, hw], inside [B, 1, hw] in {0, 1}, count [B, 1, 1] >= 1; zero outside V.
at::Tensor normalise(const at::Tensor& maps, const at::Tensor& inside, const at::Tensor& count, AttentionNorm norm) {
  if (norm == AttentionNorm::raw) return maps * inside;
  const auto mean = (maps * inside).sum(2, /*keepdim=*/true) / count;
  const auto centred = (maps - mean) * inside;
  if (norm == AttentionNorm::centred) return centred;
  return centred * (centred.square().sum(2, /*keepdim=*/true) + kNormEpsilon).rsqrt();
}

}  // namespace

AttentionConsistency attention_consistency(const at::Tensor& original, const at::Tensor& ambiguous,
                                           const data::Batch& batch, ReceptiveField field,
                                           const ObjectiveOptions& options) {
  const auto teacher = options.couple == Couple::original_to_ambiguous ? original.detach() : original;
  const auto carried = carry(teacher, batch, field, options);
  const auto inside = carried.covered.flatten(1).unsqueeze(1).to(ambiguous.scalar_type());
  const auto cells = inside.sum(2, /*keepdim=*/true);
  const auto count = cells.clamp_min(1);
  const auto difference = normalise(carried.target.flatten(2), inside, count, options.attention_norm) -
                          normalise(ambiguous.flatten(2), inside, count, options.attention_norm);
  const auto classes = static_cast<double>(ambiguous.size(1));
  return {difference.square().sum({1, 2}) / (classes * count.flatten()), cells.flatten() == 0};
}

}  // namespace penumbra::trainer
