#include "trainer/nets/sync_batch_norm.h"

#include <cstdint>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/batch_norm_update_stats.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

namespace penumbra::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct Moments {
  at::Tensor mean, variance;  ///< [K] fp32; the variance is biased
  at::Tensor count;           ///< values a channel, 0-dim fp64: never read back from the device
};

/// Of this rank's values. The running statistics given to ATen are scratch: fp32 ones make it compute in fp32.
Moments local_moments(const at::Tensor& x, const at::Tensor& like) {
  const at::Tensor scratch = at::zeros_like(like);
  const auto [mean, variance] = at::batch_norm_update_stats(x, scratch, scratch, 0);
  return {mean.to(at::kFloat), variance.to(at::kFloat),
          at::full({}, static_cast<double>(x.numel() / x.size(1)), x.options().dtype(at::kDouble))};
}

/// Sums of the values and of their squares add up over the ranks; in fp64, where their difference does not cancel.
Moments global_moments(const Moments& local, comm::Collective& collective) {
  const std::int64_t channels = local.mean.numel();
  const at::Tensor mean = local.mean.to(at::kDouble);
  const at::Tensor sums = at::cat(
      {mean * local.count, (local.variance.to(at::kDouble) + mean * mean) * local.count, local.count.unsqueeze(0)});
  collective.all_reduce_sum(sums).wait();
  const at::Tensor count = sums[2 * channels];
  const at::Tensor total_mean = sums.narrow(0, 0, channels) / count;
  const at::Tensor variance = (sums.narrow(0, channels, channels) / count - total_mean * total_mean).clamp_min(0);
  return {total_mean.to(at::kFloat), variance.to(at::kFloat), count};
}

/// What backward finds again of the caller.
struct Ranks : torch::CustomClassHolder {
  explicit Ranks(comm::Collective& all) : collective(all) {}
  comm::Collective& collective;
};

at::Tensor per_channel(const at::Tensor& values) { return values.view({1, -1, 1, 1}); }

class SyncBatchNorm : public torch::autograd::Function<SyncBatchNorm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const Moments& moments, const c10::intrusive_ptr<Ranks>& ranks) {
    context->save_for_backward({x, weight, moments.mean, moments.variance, moments.count});
    context->saved_data["ranks"] = c10::IValue::make_capsule(ranks);
    return at::batch_norm(x, weight, bias, moments.mean, moments.variance, /*training=*/false, 0, kNormEpsilon,
                          /*cudnn_enabled=*/false);
  }

  /// With s = w / sqrt(var + eps), and sums over all ranks' N values a channel:
  /// dx = s (dy - sum(dy) / N - xhat sum(dy xhat) / N).
  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &variance = saved[3], &count = saved[4];
    const auto ranks = c10::static_intrusive_pointer_cast<Ranks>(context->saved_data["ranks"].toCapsule());

    const at::Tensor inverse = (variance.to(at::kDouble) + kNormEpsilon).rsqrt();
    // Of the statistics, CPUs read the running ones, GPUs those of the forward pass.
    auto [dx, dweight, dbias] =
        at::native_batch_norm_backward(gradients[0], x, weight, mean, variance, mean, inverse.to(at::kFloat),
                                       /*train=*/false, kNormEpsilon, {true, true, true});
    const at::Tensor sums = at::cat({dbias, dweight}).to(at::kDouble);
    ranks->collective.all_reduce_sum(sums).wait();
    const std::int64_t channels = mean.numel();
    const at::Tensor share = weight.to(at::kDouble) * inverse / count;
    const at::Tensor slope = share * inverse * sums.narrow(0, channels, channels);
    const at::Tensor offset = share * sums.narrow(0, 0, channels) - slope * mean;
    dx.sub_(x * per_channel(slope.to(at::kFloat)) + per_channel(offset.to(at::kFloat)));
    return {dx, dweight, dbias, at::Tensor(), at::Tensor()};
  }
};

void move_running_statistics(const BatchNorm& norm, const Moments& moments) {
  const at::NoGradGuard no_grad;
  const at::Tensor unbiased = (moments.count / (moments.count - 1)).to(at::kFloat);
  norm.running_mean.lerp_(moments.mean, kNormMomentum);
  norm.running_var.lerp_(moments.variance * unbiased, kNormMomentum);
}

}  // namespace

at::Tensor sync_batch_norm(const at::Tensor& x, const BatchNorm& norm, comm::Collective& collective) {
  const Moments moments = [&] {
    const at::NoGradGuard no_grad;
    return global_moments(local_moments(x, norm.running_mean), collective);
  }();
  move_running_statistics(norm, moments);
  return SyncBatchNorm::apply(x, norm.weight, norm.bias, moments, c10::make_intrusive<Ranks>(collective));
}

}  // namespace penumbra::trainer
