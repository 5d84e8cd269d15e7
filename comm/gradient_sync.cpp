#include "comm/gradient_sync.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "comm/buffer_pack.h"

namespace penumbra::comm {
namespace {

/// A run of whole segments of the flat gradients.
struct Bucket {
  at::Tensor gradients;
  std::int64_t parameters = 0;
  std::int64_t missing = 0;  ///< parameters whose gradient of this step has not come yet
};

struct Slot {
  at::Tensor parameter, gradient;  ///< gradient: its view into the flat buffer
  std::size_t bucket = 0;
  bool arrived = false;  ///< this step's gradient came
};

}  // namespace

struct GradientSync::Impl {
  Impl(FlatParameters& flat, std::vector<at::Tensor> running, Collective& with)
      : parameters(flat), collective(with), buffers(std::move(running)) {}

  void divide(const GradientSyncOptions& options);
  void arrived(std::size_t index);
  void seat(Slot& slot);
  void launch_full();
  void launch(Bucket& bucket);

  FlatParameters& parameters;
  Collective& collective;
  BufferPack buffers;
  std::vector<Bucket> buckets;
  std::vector<Slot> slots;
  std::vector<std::shared_ptr<torch::autograd::Node>> accumulators;
  std::vector<std::uintptr_t> hooks;

  std::mutex mutex;  ///< guards what follows, and the slots: hooks run on autograd's threads
  bool armed = false;
  std::size_t next = 0;  ///< the first bucket that has not left
  std::vector<Work> under_way;
  double exposed_seconds = 0;
};

void GradientSync::Impl::divide(const GradientSyncOptions& options) {
  const std::span<const Segment> segments = parameters.segments();
  std::int64_t begin = 0, end = 0, count = 0;
  const auto close = [&] {
    buckets.push_back({parameters.gradients().narrow(0, begin, end - begin), count, count});
    begin = end;
    count = 0;
  };
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::int64_t limit = buckets.empty() ? options.first_bucket_bytes : options.bucket_bytes;
    const std::int64_t bytes = (end + segments[i].size - begin) * parameters.gradients().element_size();
    if (count > 0 && bytes > limit) close();
    end += segments[i].size;
    ++count;
    const at::Tensor gradient =
        parameters.gradients().as_strided(segments[i].sizes, segments[i].strides, segments[i].offset);
    slots.push_back({parameters.parameters()[i], gradient, buckets.size(), false});
  }
  close();
}

/// Autograd may have put another tensor in the gradient's place, as it does for double backward.
void GradientSync::Impl::seat(Slot& slot) {
  at::Tensor& gradient = slot.parameter.mutable_grad();
  if (gradient.is_same(slot.gradient)) return;
  const at::NoGradGuard no_grad;
  if (gradient.defined() && gradient.data_ptr() != slot.gradient.data_ptr()) slot.gradient.copy_(gradient);
  gradient = slot.gradient;
}

void GradientSync::Impl::arrived(std::size_t index) {
  const std::scoped_lock lock(mutex);
  Slot& slot = slots[index];
  seat(slot);
  if (!armed) return;
  if (slot.arrived) {
    throw std::logic_error("a second backward in one step: the gradients of the first are on their way already");
  }
  slot.arrived = true;
  --buckets[slot.bucket].missing;
  launch_full();
}

void GradientSync::Impl::launch_full() {
  while (next < buckets.size() && buckets[next].missing == 0) launch(buckets[next++]);
}

void GradientSync::Impl::launch(Bucket& bucket) {
  if (collective.world_size() > 1) under_way.push_back(collective.all_reduce_sum(bucket.gradients));
}

GradientSync::GradientSync(FlatParameters& parameters, std::vector<at::Tensor> buffers, Collective& collective,
                           GradientSyncOptions options)
    : impl_(std::make_shared<Impl>(parameters, std::move(buffers), collective)) {
  if (options.first_bucket_bytes <= 0 || options.bucket_bytes <= 0) {
    throw std::invalid_argument("gradient buckets must have at least one byte");
  }
  impl_->divide(options);
  for (std::size_t i = 0; i < impl_->slots.size(); ++i) {
    impl_->accumulators.push_back(torch::autograd::impl::grad_accumulator(impl_->slots[i].parameter));
    auto hook = [weak = std::weak_ptr<Impl>(impl_), i](const torch::autograd::variable_list& outputs,
                                                       const torch::autograd::variable_list&) {
      if (const auto impl = weak.lock()) impl->arrived(i);
      return outputs;
    };
    impl_->hooks.push_back(impl_->accumulators.back()->add_post_hook(
        std::make_unique<torch::autograd::utils::LambdaPostHook>(std::move(hook))));
  }
}

GradientSync::~GradientSync() {
  for (std::size_t i = 0; i < impl_->hooks.size(); ++i) impl_->accumulators[i]->del_post_hook(impl_->hooks[i]);
}

void GradientSync::begin_step() {
  const std::scoped_lock lock(impl_->mutex);
  const at::NoGradGuard no_grad;
  for (Slot& slot : impl_->slots) {
    slot.parameter.mutable_grad() = slot.gradient;
    slot.arrived = false;
  }
  impl_->parameters.gradients().zero_();
  for (Bucket& bucket : impl_->buckets) bucket.missing = bucket.parameters;
  impl_->under_way.clear();
  impl_->next = 0;
  impl_->armed = true;
}

void GradientSync::finish_step() {
  std::unique_lock lock(impl_->mutex);
  if (!impl_->armed) throw std::logic_error("finish_step() without begin_step()");
  impl_->armed = false;
  for (; impl_->next < impl_->buckets.size(); ++impl_->next) impl_->launch(impl_->buckets[impl_->next]);
  const bool alone = impl_->collective.world_size() == 1;
  if (!alone && !impl_->buffers.empty())
    impl_->under_way.push_back(impl_->collective.all_reduce_sum(impl_->buffers.pack()));
  std::vector<Work> under_way = std::exchange(impl_->under_way, {});
  lock.unlock();

  const auto start = std::chrono::steady_clock::now();
  for (Work& work : under_way) work.wait();
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
  impl_->exposed_seconds = waited.count();
  if (!alone) impl_->buffers.unpack(1.0 / impl_->collective.world_size());
}

double GradientSync::exposed_seconds() const { return impl_->exposed_seconds; }

std::int64_t GradientSync::buckets() const { return static_cast<std::int64_t>(impl_->buckets.size()); }

void broadcast_state(FlatParameters& parameters, const std::vector<at::Tensor>& buffers, Collective& collective) {
  if (collective.world_size() == 1) return;
  BufferPack pack(buffers);
  Work values = collective.broadcast(parameters.values(), 0);
  if (!pack.empty()) {
    collective.broadcast(pack.pack(), 0).wait();
    pack.unpack(1);
  }
  values.wait();
}

}  // namespace penumbra::comm
