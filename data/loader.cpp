#include "data/loader.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "data/batch_renderer.h"
#include "data/error.h"
#include "data/loader_options.h"
#include "data/render/variants.h"

namespace penumbra::data {
namespace {

void check_batch(const SampleSet& set, const LoaderOptions& options, Shard shard) {
  const std::int64_t batch = options.global_batch;
  const std::string key = "train.batch " + std::to_string(batch);
  if (batch < 2 || batch % 2 != 0) throw DataError(key + " must be even and at least 2: samples come in pairs");
  if (shard.world_size < 1 || shard.rank < 0 || shard.rank >= shard.world_size) {
    throw std::invalid_argument("rank " + std::to_string(shard.rank) + " of " + std::to_string(shard.world_size));
  }
  if (batch > set.size()) {
    throw DataError(key + " is larger than the training set of " + std::to_string(set.size()) +
                    " samples: use a smaller batch or more data");
  }
  if (batch / 2 < shard.world_size) {
    throw DataError(key + " has " + std::to_string(batch / 2) + " pairs for " + std::to_string(shard.world_size) +
                    " ranks: use at most " + std::to_string(batch / 2) + " ranks or a batch of at least " +
                    std::to_string(2 * shard.world_size));
  }
}

/// The matchings of the stored variants, after checking that they fit.
std::vector<std::vector<Pair>> stored_matchings(const SampleSet& set, const LoaderOptions& options,
                                                const std::vector<StoredVariant>* variants) {
  if (!options.ambiguous || options.mode != AmbiguousMode::stored) return {};
  if (!variants || variants->empty()) {
    throw DataError(
        "ambiguous.mode = \"stored\", but the data holds no stored variants: run `penumbra data ambiguous` or use "
        "\"online\"");
  }
  if (options.plan.most_repeats > 1)
    throw DataError(
        "data.most_repeats shows samples again, each time in another view: use ambiguous.mode = \"online\"");
  std::vector<std::vector<Pair>> matchings;
  for (const StoredVariant& variant : *variants) {
    matchings.push_back(matching_of(set, variant));
    const int wanted = view_size_of(set, options);
    if (variant.view_size != wanted) {
      throw DataError("stored variants have a side of " + std::to_string(variant.view_size) +
                      " pixels, training asks for " + std::to_string(wanted) +
                      ": render them again with `penumbra data ambiguous --config` or change the view size");
    }
  }
  return matchings;
}

bool any_cutmix(const StoredVariant& variant) {
  return std::any_of(variant.recipes.begin(), variant.recipes.end(),
                     [](const Recipe& recipe) { return recipe.mix == Mix::cutmix; });
}

template <typename AnyBatch>
auto tensors_of(AnyBatch& batch) {
  return std::array{&batch.weak,       &batch.ambiguous,       &batch.sample, &batch.lambda,
                    &batch.weak_theta, &batch.ambiguous_theta, &batch.box};
}

/// The batch with `change` made of each tensor that it has.
template <typename Change>
Batch with_each(const Batch& batch, const Change& change) {
  Batch changed = batch;
  for (at::Tensor* tensor : tensors_of(changed)) {
    if (tensor->defined()) *tensor = change(*tensor);
  }
  return changed;
}

}  // namespace

struct TrainLoader::Impl {
  Impl(const SampleSet& samples, LoaderOptions loader_options, Shard own_shard,
       const std::vector<StoredVariant>* stored)
      : set(samples), options(std::move(loader_options)), shard(own_shard), variants(stored) {
    check_batch(set, options, shard);
    matchings = stored_matchings(set, options, variants);
    steps_an_epoch = count_steps(set.labels, options.global_batch, options.plan);
    slots.resize(static_cast<std::size_t>(std::max({1, options.prefetch, options.threads})));
    if (!set.pixels.resident() && matchings.empty()) {
      const std::int64_t window =
          options.plan.windows.rows_per_window > 0 ? options.plan.windows.rows_per_window : set.size();
      stream.emplace(set.pixels, set.image_bytes(), shard, window / options.global_batch,
                     std::max(1, options.prefetch));
    }
    for (int i = 0; i < std::max(1, options.threads); ++i)
      workers.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }

  struct Slot {
    std::optional<Batch> batch;
    std::exception_ptr failure;
    bool ready() const { return batch || failure; }
  };

  std::int64_t steps() const { return steps_an_epoch; }

  Slot& slot(std::int64_t step) { return slots[static_cast<std::size_t>(step) % slots.size()]; }

  std::shared_ptr<const EpochSource> make_source(std::int64_t epoch) {
    const auto number = static_cast<std::uint32_t>(epoch);
    if (matchings.empty()) {
      return std::make_shared<EpochSource>(
          EpochSource{EpochPlan(options.seed, number, number, set.labels, options.global_batch, options.plan), epoch,
                      nullptr, options.strong.mix == Mix::cutmix, stream ? &*stream : nullptr});
    }
    const auto k = static_cast<std::size_t>(epoch) % matchings.size();
    const StoredVariant& variant = (*variants)[k];
    return std::make_shared<EpochSource>(
        EpochSource{EpochPlan(options.seed, number, matchings[k], options.global_batch), epoch, &variant,
                    any_cutmix(variant), nullptr});
  }

  bool has_work() const {
    return source && next_rendered < steps() &&
           next_rendered < next_delivered + static_cast<std::int64_t>(slots.size());
  }

  // A batch whose epoch has been replaced while it was rendered is dropped.
  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    while (true) {
      may_render.wait(lock, stop, [&] { return has_work(); });
      if (stop.stop_requested()) return;
      const auto epoch = source;
      const std::int64_t step = next_rendered++;
      lock.unlock();
      Slot done = render(*epoch, step);
      lock.lock();
      if (epoch != source) continue;
      slot(step) = std::move(done);
      is_ready.notify_one();
    }
  }

  Slot render(const EpochSource& epoch, std::int64_t step) {
    Slot done;
    try {
      done.batch = render_batch(set, options, epoch, step, shard, buffers);
    } catch (...) {
      done.failure = std::current_exception();
    }
    return done;
  }

  const SampleSet& set;
  const LoaderOptions options;
  const Shard shard;
  const std::vector<StoredVariant>* const variants;
  std::vector<std::vector<Pair>> matchings;
  std::int64_t steps_an_epoch = 0;
  std::optional<ImageStream> stream;  ///< of a set whose images are in files, read in windows
  ViewBuffers buffers{options.pinned};

  std::mutex mutex;  // guards all below, except what the caller's thread alone uses
  std::condition_variable_any may_render;
  std::condition_variable is_ready;
  std::shared_ptr<const EpochSource> source;
  std::int64_t next_rendered = 0, next_delivered = 0;
  std::vector<Slot> slots;  // the batch of step s is in slot s mod size
  double wait_seconds = 0;
  std::vector<std::jthread> workers;  // last: stopped and joined before what they use goes
};

TrainLoader::TrainLoader(const SampleSet& set, LoaderOptions options, Shard shard,
                         const std::vector<StoredVariant>* variants)
    : impl_(std::make_unique<Impl>(set, std::move(options), shard, variants)) {}

TrainLoader::~TrainLoader() = default;

std::int64_t TrainLoader::steps_per_epoch() const { return impl_->steps(); }

void TrainLoader::start_epoch(std::int64_t epoch, std::int64_t first_step) {
  if (epoch < 0 || first_step < 0 || first_step > steps_per_epoch()) {
    throw std::out_of_range("epoch " + std::to_string(epoch) + ", step " + std::to_string(first_step) + " of " +
                            std::to_string(steps_per_epoch()));
  }
  auto source = impl_->make_source(epoch);
  if (impl_->stream) impl_->stream->start({source, &source->plan}, first_step);
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->source = std::move(source);
    impl_->next_rendered = impl_->next_delivered = first_step;
    for (auto& slot : impl_->slots) slot = {};
  }
  impl_->may_render.notify_all();
}

Batch TrainLoader::next() {
  std::unique_lock lock(impl_->mutex);
  if (!impl_->source || impl_->next_delivered >= steps_per_epoch()) {
    throw std::logic_error("TrainLoader::next() without a step left: call start_epoch() first");
  }
  auto& slot = impl_->slot(impl_->next_delivered);
  const auto start = std::chrono::steady_clock::now();
  impl_->is_ready.wait(lock, [&] { return slot.ready(); });
  impl_->wait_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (slot.failure) std::rethrow_exception(slot.failure);
  Batch batch = std::move(*slot.batch);
  slot = {};
  ++impl_->next_delivered;
  if (impl_->stream) impl_->stream->advance(impl_->next_delivered);
  lock.unlock();
  impl_->may_render.notify_one();
  return batch;
}

Batch to_device(const Batch& batch, at::Device device) {
  return with_each(batch, [&](const at::Tensor& tensor) { return tensor.to(device, /*non_blocking=*/true); });
}

bool copy_batch(const Batch& from, const Batch& to) {
  const auto source = tensors_of(from);
  const auto target = tensors_of(to);
  const auto alike = [](const at::Tensor* a, const at::Tensor* b) {
    return a->defined() == b->defined() && (!a->defined() || a->sizes() == b->sizes());
  };
  if (from.global_size != to.global_size) return false;
  if (!std::equal(source.begin(), source.end(), target.begin(), alike)) return false;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i]->defined()) target[i]->copy_(*source[i], /*non_blocking=*/true);
  }
  return true;
}

std::vector<Batch> split(const Batch& batch, std::int64_t parts) {
  const std::int64_t pairs = batch.sample.size(0) / 2;
  const std::int64_t count = std::min(parts, pairs);
  if (count <= 1) return {batch};
  std::vector<Batch> out;
  for (std::int64_t part = 0; part < count; ++part) {
    const std::int64_t begin = 2 * (pairs * part / count), end = 2 * (pairs * (part + 1) / count);
    out.push_back(with_each(batch, [&](const at::Tensor& tensor) { return tensor.narrow(0, begin, end - begin); }));
  }
  return out;
}

double TrainLoader::take_wait_seconds() { return std::exchange(impl_->wait_seconds, 0); }

}  // namespace penumbra::data
