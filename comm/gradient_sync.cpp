#include "comm/gradient_sync.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/utils/grad_layout_contract.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

namespace penumbra::comm {
namespace {

/// A run of whole segments of the flat gradients.
struct Bucket {
  Interval run;
  std::size_t first_slot = 0, slots = 0;
  std::size_t missing = 0;  ///< slots whose gradient of this step is not complete yet
};

/// A parameter, as the segment it is of the flat buffers.
struct Slot {
  at::Tensor parameter, gradient;  ///< gradient: its view into the flat buffer
  std::size_t bucket = 0;
  int arrivals = 0;  ///< backward passes of this step that have brought a gradient
};

at::Tensor cut(const at::Tensor& flat, Interval run) { return flat.narrow(0, run.offset, run.size); }

Interval intersection(const Interval& a, const Interval& b) {
  const std::int64_t begin = std::max(a.offset, b.offset), end = std::min(a.offset + a.size, b.offset + b.size);
  return {begin, std::max<std::int64_t>(0, end - begin)};
}

/// fp64, 0-dim. Short fp32 sums, then an fp64 one over them: one fp32 sum over 2e7 elements is off by 1e-3 on the CPU.
at::Tensor two_norm(const at::Tensor& flat) {
  constexpr std::int64_t kBlock = 256;
  const std::int64_t whole = flat.numel() / kBlock * kBlock;
  const at::Tensor blocks = at::linalg_vector_norm(flat.narrow(0, 0, whole).view({-1, kBlock}), 2, at::IntArrayRef{1});
  const at::Tensor rest = at::linalg_vector_norm(flat.narrow(0, whole, flat.numel() - whole));
  return at::linalg_vector_norm(at::cat({blocks, rest.unsqueeze(0)}).to(at::kDouble));
}

/// `tensor`, with the strides of `like` if it lies in memory as that does. Where a dimension has one element its stride
/// means nothing, but _foreach_copy_ falls back to a kernel a tensor if that of a single one differs.
at::Tensor with_strides_of(const at::Tensor& like, const at::Tensor& tensor) {
  if (!torch::autograd::utils::obeys_layout_contract(tensor, like)) return tensor;
  return tensor.as_strided(like.sizes(), like.strides());
}

}  // namespace

struct GradientSync::Impl {
  Impl(FlatParameters& flat, at::Tensor running, Collective& with, const GradientSyncOptions& how)
      : parameters(flat), collective(with), options(how), statistics(std::move(running)) {
    const std::span<const Segment> segments = flat.segments();
    for (std::size_t i = 0; i < segments.size(); ++i) {
      slots.push_back({flat.parameters()[i],
                       flat.gradients().as_strided(segments[i].sizes, segments[i].strides, segments[i].offset)});
    }
  }

  void divide();
  void arrived(std::size_t index);
  void collect(const Bucket& bucket);
  void launch_full();
  void launch(const Bucket& bucket);
  void await_gather(std::size_t bucket);
  void wait_for(std::vector<Work> works);
  bool alone() const { return collective.world_size() == 1; }
  bool sharded() const { return options.mode == SyncMode::sharded && !alone(); }

  FlatParameters& parameters;
  Collective& collective;
  GradientSyncOptions options;
  at::Tensor statistics;
  std::vector<Bucket> buckets;
  std::vector<Slot> slots;
  std::vector<std::shared_ptr<torch::autograd::Node>> accumulators;
  std::vector<std::uintptr_t> hooks;
  std::vector<std::shared_ptr<void>> registrations;  ///< of what travels
  std::vector<std::optional<Work>> gathers;          ///< of each bucket's values, while nobody has waited for it

  std::mutex mutex;  ///< guards what follows, and the slots: hooks run on autograd's threads
  bool armed = false;
  int backwards = 1;     ///< backward passes a step
  std::size_t next = 0;  ///< the first bucket that has not left
  std::vector<Work> under_way;
  double exposed_seconds = 0;
};

void GradientSync::Impl::divide() {
  buckets.clear();
  const std::span<const Segment> segments = parameters.segments();
  std::int64_t begin = 0, end = 0;
  std::size_t first = 0;
  const auto close = [&](std::size_t next_slot) {
    buckets.push_back({{begin, end - begin}, first, next_slot - first, next_slot - first});
    begin = end;
    first = next_slot;
  };
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::int64_t limit = buckets.empty() ? options.first_bucket_bytes : options.bucket_bytes;
    const std::int64_t bytes = (end + segments[i].size - begin) * parameters.gradients().element_size();
    if (i > first && bytes > limit) close(i);
    end += segments[i].size;
    slots[i].bucket = buckets.size();
  }
  close(segments.size());
}

/// Autograd has left each gradient in a tensor of its own, in its view, or none. All of a bucket's move to the flat
/// buffer at once.
void GradientSync::Impl::collect(const Bucket& bucket) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> views, arrived;
  for (Slot& slot : std::span(slots).subspan(bucket.first_slot, bucket.slots)) {
    at::Tensor& gradient = slot.parameter.mutable_grad();
    if (gradient.is_same(slot.gradient)) continue;
    if (gradient.defined()) {
      views.push_back(slot.gradient);
      arrived.push_back(with_strides_of(slot.gradient, gradient));
    } else {
      slot.gradient.zero_();
    }
    gradient = slot.gradient;
  }
  if (!views.empty()) at::_foreach_copy_(views, arrived);
}

void GradientSync::Impl::arrived(std::size_t index) {
  const std::scoped_lock lock(mutex);
  Slot& slot = slots[index];
  if (!armed) return;
  if (slot.arrivals == backwards) {
    throw std::logic_error(
        "more backward passes than begin_step() was told of: the gradients are on their way already");
  }
  if (++slot.arrivals < backwards) return;
  --buckets[slot.bucket].missing;
  launch_full();
}

void GradientSync::Impl::launch_full() {
  while (next < buckets.size() && buckets[next].missing == 0) launch(buckets[next++]);
}

void GradientSync::Impl::launch(const Bucket& bucket) {
  collect(bucket);
  if (alone()) return;
  const at::Tensor gradients = cut(parameters.gradients(), bucket.run);
  under_way.push_back(sharded() ? collective.reduce_scatter_sum(gradients, options.wire)
                                : collective.all_reduce_sum(gradients, options.wire));
}

void GradientSync::Impl::await_gather(std::size_t bucket) {
  if (!gathers[bucket]) return;
  wait_for({*std::exchange(gathers[bucket], std::nullopt)});
}

void GradientSync::Impl::wait_for(std::vector<Work> works) {
  const auto start = std::chrono::steady_clock::now();
  for (Work& work : works) work.wait();
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
  exposed_seconds += waited.count();
}

GradientSync::GradientSync(FlatParameters& parameters, at::Tensor statistics, Collective& collective,
                           GradientSyncOptions options)
    : impl_(std::make_shared<Impl>(parameters, std::move(statistics), collective, options)) {
  if (options.first_bucket_bytes <= 0 || options.bucket_bytes <= 0) {
    throw std::invalid_argument("gradient buckets must have at least one byte");
  }
  if (impl_->statistics.defined() && impl_->statistics.scalar_type() != at::kFloat) {
    throw std::invalid_argument("running statistics must be fp32");
  }
  impl_->divide();
  if (!impl_->alone()) impl_->registrations.push_back(collective.register_buffer(parameters.gradients()));
  if (impl_->sharded()) impl_->registrations.push_back(collective.register_buffer(parameters.values()));
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

void GradientSync::begin_step(int backwards) {
  if (backwards < 1) throw std::invalid_argument("a step has at least one backward pass");
  const std::scoped_lock lock(impl_->mutex);
  const bool adds_up = backwards > 1;  // in the views: gradients that wait for the last part would be there twice
  if (adds_up) impl_->parameters.gradients().zero_();
  for (Slot& slot : impl_->slots) {
    slot.parameter.mutable_grad() = adds_up ? slot.gradient : at::Tensor();
    slot.arrivals = 0;
  }
  for (Bucket& bucket : impl_->buckets) bucket.missing = bucket.slots;
  impl_->under_way.clear();
  impl_->next = 0;
  impl_->backwards = backwards;
  impl_->exposed_seconds = 0;
  impl_->armed = true;
}

void GradientSync::finish_step() {
  await_values();
  std::unique_lock lock(impl_->mutex);
  if (!impl_->armed) throw std::logic_error("finish_step() without begin_step()");
  impl_->armed = false;
  for (; impl_->next < impl_->buckets.size(); ++impl_->next) impl_->launch(impl_->buckets[impl_->next]);
  const bool averages = !impl_->alone() && impl_->statistics.defined();
  if (averages) impl_->under_way.push_back(impl_->collective.all_reduce_sum(impl_->statistics));
  std::vector<Work> under_way = std::exchange(impl_->under_way, {});
  lock.unlock();
  impl_->wait_for(std::move(under_way));
  if (averages) impl_->statistics.mul_(1.0 / impl_->collective.world_size());
}

std::vector<Interval> GradientSync::owned() const {
  if (!impl_->sharded()) return {{0, impl_->parameters.size()}};
  std::vector<Interval> owned;
  for (const Bucket& bucket : impl_->buckets) {
    const Interval part = part_of(bucket.run.size, impl_->collective.rank(), impl_->collective.world_size());
    owned.push_back({bucket.run.offset + part.offset, part.size});
  }
  return owned;
}

at::Tensor GradientSync::norm() { return norms({{0, impl_->parameters.size()}}).squeeze(0); }

at::Tensor GradientSync::norms(const std::vector<Interval>& parts) {
  const at::NoGradGuard no_grad;
  const at::Tensor& gradients = impl_->parameters.gradients();
  std::vector<at::Tensor> all;
  for (const Interval& part : parts) {
    std::vector<at::Tensor> pieces = {at::zeros({}, gradients.options().dtype(at::kDouble))};
    for (const Interval& own : owned()) {
      const Interval both = intersection(part, own);
      if (both.size > 0) pieces.push_back(two_norm(cut(gradients, both)));
    }
    all.push_back(at::linalg_vector_norm(at::stack(pieces)));
  }
  const at::Tensor norms = at::stack(all);
  if (!impl_->sharded()) return norms.to(at::kFloat);
  const at::Tensor squares = norms.square();
  impl_->wait_for({impl_->collective.all_reduce_sum(squares)});
  return squares.sqrt().to(at::kFloat);
}

void GradientSync::share_values() {
  if (!impl_->sharded()) return;
  impl_->gathers.resize(impl_->buckets.size());
  for (std::size_t i = impl_->buckets.size(); i-- > 0;) {  // the last bucket holds what is executed first
    impl_->gathers[i] = impl_->collective.all_gather(cut(impl_->parameters.values(), impl_->buckets[i].run));
  }
}

void GradientSync::await_values(const at::Tensor& parameter) {
  if (impl_->gathers.empty()) return;
  const auto* first = impl_->parameters.values().const_data_ptr<float>();
  const std::int64_t offset = parameter.const_data_ptr<float>() - first;
  const auto after = std::upper_bound(impl_->buckets.begin(), impl_->buckets.end(), offset,
                                      [](std::int64_t at, const Bucket& bucket) { return at < bucket.run.offset; });
  impl_->await_gather(static_cast<std::size_t>(after - impl_->buckets.begin()) - 1);
}

void GradientSync::await_values() {
  for (std::size_t i = impl_->gathers.size(); i-- > 0;) impl_->await_gather(i);
}

bool GradientSync::can_rebucket() const { return !impl_->sharded(); }

void GradientSync::rebucket(std::int64_t bucket_bytes) {
  if (!can_rebucket()) throw std::logic_error("sharded buckets cannot change: the optimizer's state lies along them");
  const std::scoped_lock lock(impl_->mutex);
  if (impl_->armed) throw std::logic_error("rebucket() within a step");
  impl_->options.bucket_bytes = bucket_bytes;
  impl_->options.first_bucket_bytes = std::min(impl_->options.first_bucket_bytes, bucket_bytes);
  impl_->divide();
}

double GradientSync::exposed_seconds() const { return impl_->exposed_seconds; }

std::int64_t GradientSync::buckets() const { return static_cast<std::int64_t>(impl_->buckets.size()); }

void broadcast_state(FlatParameters& parameters, const at::Tensor& statistics, Collective& collective) {
  if (collective.world_size() == 1) return;
  collective.broadcast(parameters.values(), 0).wait();
  if (statistics.defined()) collective.broadcast(statistics, 0).wait();
}

}  // namespace penumbra::comm
