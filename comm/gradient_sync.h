#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"
#include "comm/flat_parameters.h"

namespace penumbra::comm {

struct GradientSyncOptions {
  std::int64_t first_bucket_bytes = std::int64_t{1} << 20;  ///< small, so that traffic starts early
  std::int64_t bucket_bytes = std::int64_t{25} << 20;
};

/// Sums gradients over the ranks while backward still runs. Buckets are fixed runs of the flat gradient buffer; a hook
/// on each parameter's gradient accumulator counts its bucket down, and bucket k leaves once it is full *and* k-1 has
/// left, so that the order is the same on every rank. Gradients that never came count as zero. The loss must be the
/// local sum over the *global* batch size: sums are then exact for uneven shares. Running statistics of batch norm are
/// averaged over the ranks in a last bucket. One backward at a time.
class GradientSync {
 public:
  /// `buffers`: fp32 running statistics to average, in the same order on every rank. All must outlive this.
  GradientSync(FlatParameters& parameters, std::vector<at::Tensor> buffers, Collective& collective,
               GradientSyncOptions options = {});
  ~GradientSync();
  GradientSync(const GradientSync&) = delete;
  GradientSync& operator=(const GradientSync&) = delete;

  /// Zeroes the gradients and arms the buckets.
  void begin_step();
  /// Sends what is still here and waits for everything on the wire; averages the buffers.
  void finish_step();
  /// Seconds that the last finish_step() waited: communication not hidden behind backward.
  double exposed_seconds() const;
  std::int64_t buckets() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Broadcasts rank 0's parameters and buffers to all.
void broadcast_state(FlatParameters& parameters, const std::vector<at::Tensor>& buffers, Collective& collective);

}  // namespace penumbra::comm
