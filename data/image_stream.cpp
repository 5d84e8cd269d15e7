#include "data/image_stream.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace penumbra::data {
namespace {

constexpr std::int64_t kBlocksAhead = 2;

/// The images of some steps, one after the other.
struct Block {
  std::vector<std::uint8_t> bytes;
  std::exception_ptr failure;
};

/// Where the rows of a rank's share of the steps [first, last) belong: in the order of the batches.
std::vector<RowTarget> targets_of(const EpochPlan& plan, Shard shard, std::int64_t first, std::int64_t last) {
  std::vector<RowTarget> targets;
  for (std::int64_t step = first; step < last; ++step) {
    for (const Pair& pair : plan.share(step, shard)) {
      targets.push_back({pair.first, nullptr});
      targets.push_back({pair.second, nullptr});
    }
  }
  return targets;
}

}  // namespace

struct ImageStream::Impl {
  Impl(const Images& set_images, std::size_t bytes, Shard own_shard, std::int64_t block_steps, std::int64_t ahead)
      : images(set_images),
        row_bytes(bytes),
        shard(own_shard),
        steps_per_block(std::max<std::int64_t>(1, block_steps)),
        steps_ahead(ahead) {
    reader = std::jthread([this](const std::stop_token& stop) { work(stop); });
  }

  std::int64_t block_of(std::int64_t step) const { return step / steps_per_block; }

  /// Gathered in the order of the files, put down in the order of the batches.
  std::shared_ptr<Block> read(const EpochPlan& of, std::int64_t number) const {
    auto block = std::make_shared<Block>();
    try {
      const std::int64_t first = number * steps_per_block;
      auto targets = targets_of(of, shard, first, std::min(first + steps_per_block, of.steps()));
      block->bytes.resize(targets.size() * row_bytes);
      std::uint8_t* to = block->bytes.data();
      for (RowTarget& target : targets) target.to = std::exchange(to, to + row_bytes);
      std::ranges::sort(targets, {}, &RowTarget::row);
      images.read(targets, row_bytes);
    } catch (...) {  // every exception: images_of() rethrows it
      block->failure = std::current_exception();
    }
    return block;
  }

  bool has_work() const {
    const std::int64_t last = std::max(block_of(oldest_step) + kBlocksAhead, block_of(oldest_step + steps_ahead));
    return plan && next_read * steps_per_block < plan->steps() && next_read <= last;
  }

  // A block whose plan has been replaced while it was read is dropped.
  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    while (true) {
      may_read.wait(lock, stop, [&] { return has_work(); });
      if (stop.stop_requested()) return;
      const auto of = plan;
      const std::int64_t number = next_read++;
      lock.unlock();
      auto block = read(*of, number);
      lock.lock();
      if (of != plan) continue;
      blocks[number] = std::move(block);
      is_read.notify_all();
    }
  }

  const Images& images;
  const std::size_t row_bytes;
  const Shard shard;
  const std::int64_t steps_per_block, steps_ahead;

  std::mutex mutex;  // guards all below
  std::condition_variable_any may_read;
  std::condition_variable is_read;
  std::shared_ptr<const EpochPlan> plan;
  std::int64_t next_read = 0, oldest_step = 0;
  std::map<std::int64_t, std::shared_ptr<Block>> blocks;
  std::jthread reader;  // last: stopped and joined before what it uses goes
};

ImageStream::ImageStream(const Images& images, std::size_t row_bytes, Shard shard, std::int64_t steps_per_block,
                         std::int64_t steps_ahead)
    : impl_(std::make_unique<Impl>(images, row_bytes, shard, steps_per_block, steps_ahead)) {}

ImageStream::~ImageStream() = default;

void ImageStream::start(std::shared_ptr<const EpochPlan> plan, std::int64_t first_step) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->plan = std::move(plan);
    impl_->blocks.clear();
    impl_->oldest_step = first_step;
    impl_->next_read = impl_->block_of(first_step);
  }
  impl_->may_read.notify_all();
  impl_->is_read.notify_all();
}

std::shared_ptr<const std::uint8_t> ImageStream::images_of(const EpochPlan& plan, std::int64_t step) {
  std::unique_lock lock(impl_->mutex);
  const std::int64_t number = impl_->block_of(step), first = number * impl_->steps_per_block;
  impl_->is_read.wait(lock, [&] { return impl_->plan.get() != &plan || impl_->blocks.contains(number); });
  if (impl_->plan.get() != &plan) return nullptr;
  const auto block = impl_->blocks.at(number);
  if (block->failure) std::rethrow_exception(block->failure);
  const std::size_t step_bytes = 2 * plan.share(step, impl_->shard).size() * impl_->row_bytes;
  return {block, block->bytes.data() + static_cast<std::size_t>(step - first) * step_bytes};
}

void ImageStream::advance(std::int64_t step) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->oldest_step = step;
    impl_->blocks.erase(impl_->blocks.begin(), impl_->blocks.lower_bound(impl_->block_of(step)));
  }
  impl_->may_read.notify_one();
}

}  // namespace penumbra::data
