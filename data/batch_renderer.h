#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/image_stream.h"
#include "data/loader.h"
#include "data/view_buffers.h"

namespace penumbra::data {

/// What the batches of one epoch share besides the set and the options.
struct EpochSource {
  EpochPlan plan;
  std::int64_t epoch = 0;
  const StoredVariant* variant = nullptr;  ///< stored mode only
  bool has_boxes = false;                  ///< some of its views are cutmixed
  ImageStream* stream = nullptr;           ///< reads the set's images ahead; it was started with `plan`
};

/// Size of the views that `options` ask for, pixels.
int view_size_of(const SampleSet& set, const LoaderOptions& options);

/// Renders one rank's share of a step. Thread-safe. Throws what reading throws, DataError for a file.
Batch render_batch(const SampleSet& set, const LoaderOptions& options, const EpochSource& source, std::int64_t step,
                   Shard shard, ViewBuffers& buffers);

}  // namespace penumbra::data
