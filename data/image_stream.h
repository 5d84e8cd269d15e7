#pragma once

#include <cstdint>
#include <memory>

#include "data/plan/epoch_plan.h"
#include "data/store/images.h"

namespace penumbra::data {

/// Reads one rank's images of a set in files ahead of its batches, a block of steps at a time, with a thread of its
/// own. A block is read in the order of the files; the one in use and the next two are held. Thread-safe.
class ImageStream {
 public:
  /// `images` must outlive it. `row_bytes`: of one image; `steps_ahead`: how far images_of() may be asked beyond what
  /// advance() was told last.
  ImageStream(const Images& images, std::size_t row_bytes, Shard shard, std::int64_t steps_per_block,
              std::int64_t steps_ahead);
  ~ImageStream();
  ImageStream(const ImageStream&) = delete;
  ImageStream& operator=(const ImageStream&) = delete;

  /// Drops what was read and begins at `first_step` of a plan.
  void start(std::shared_ptr<const EpochPlan> plan, std::int64_t first_step);
  /// The images of this rank's share of a step of the plan: those of pair p at 2 p and 2 p + 1 times row_bytes. Waits
  /// until they are read; rethrows what reading threw, DataError for a file. The bytes stay while the pointer is held.
  /// Null where another plan was started.
  std::shared_ptr<const std::uint8_t> images_of(const EpochPlan& plan, std::int64_t step);
  /// Steps before this one are done with: their room may be used again.
  void advance(std::int64_t step);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penumbra::data
