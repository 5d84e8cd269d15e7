#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "data/plan/epoch_plan.h"
#include "data/render/render_cpu.h"
#include "data/store/reader.h"

namespace penumbra::data {

/// One rank's share of a global batch. Partners are adjacent: the partner of row b is row b^1.
struct Batch {
  at::Tensor weak;             ///< [B, channels, S, S] fp32, channels-last: weak views of the samples
  at::Tensor ambiguous;        ///< same shape: their ambiguous views; undefined when LoaderOptions.ambiguous is false
  at::Tensor sample;           ///< [B] int64, row in the training set
  at::Tensor lambda;           ///< [B] fp32, weight of the sample in its ambiguous view
  at::Tensor weak_theta;       ///< [B, 2, 3] fp32, view -> stored (method.md: W_i)
  at::Tensor ambiguous_theta;  ///< [B, 2, 3] fp32, view -> stored (theta_i)
  at::Tensor box;  ///< [B, 4] fp32, cutmix box x0, y0, x1, y1 in normalised stored coordinates; undefined unless cutmix
  std::int64_t epoch = 0, step = 0;  ///< step within the epoch
  std::int64_t global_size = 0;      ///< samples of all ranks together: the denominator of every loss
};

struct LoaderOptions;

/// Feeds the training loop from a set in memory or in files; batches are rendered ahead by its own threads and come in
/// plan order, whatever the number of threads. An exception of a renderer thread is rethrown by next(). next() and
/// start_epoch() from one thread.
class TrainLoader {
 public:
  /// `set` and `variants` must outlive the loader. Throws DataError when a batch has fewer pairs than there are ranks,
  /// is odd, larger than the set, or when stored variants do not fit the set (label fingerprint, size). With variants,
  /// what is in files is read batch by batch: their pairs lie anywhere in the set.
  TrainLoader(const SampleSet& set, LoaderOptions options, Shard shard,
              const std::vector<StoredVariant>* variants = nullptr);
  ~TrainLoader();
  TrainLoader(const TrainLoader&) = delete;
  TrainLoader& operator=(const TrainLoader&) = delete;

  std::int64_t steps_per_epoch() const;
  /// Begins epoch `epoch` at step `first_step`; what was prefetched is dropped.
  void start_epoch(std::int64_t epoch, std::int64_t first_step = 0);
  /// The next batch of the epoch; call exactly steps_per_epoch() - first_step times an epoch.
  Batch next();
  /// Seconds that next() has waited since the last call of this function.
  double take_wait_seconds();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The batch's tensors on another device; not copied where they are there already.
Batch to_device(const Batch& batch, at::Device device);

/// Copies the tensors of `from` into those of `to`. False, and nothing is copied, where they are not of the same
/// shapes.
bool copy_batch(const Batch& from, const Batch& to);

/// The batch as `parts` runs of whole pairs, as even as may be; at most as many as it has pairs. They share its memory.
std::vector<Batch> split(const Batch& batch, std::int64_t parts);

/// Plain views (no augmentation, resized to `view_size`, 0: stored size) of rows [begin, end): [n, channels, S, S]
/// fp32, channels-last.
at::Tensor plain_views(const SampleSet& set, std::int64_t begin, std::int64_t end, int view_size, Normalisation norm);

}  // namespace penumbra::data
