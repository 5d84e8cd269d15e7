#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"
#include "comm/flat_parameters.h"
#include "comm/gradient_sync_options.h"

namespace penumbra::comm {

/// Sums gradients over the ranks while backward still runs. Buckets are fixed runs of the flat gradient buffer; a hook
/// on each parameter's gradient accumulator counts its bucket down, and bucket k leaves once it is full *and* k-1 has
/// left, so that the order is the same on every rank. Until then autograd keeps each gradient in a tensor of its own: a
/// bucket's move into the buffer at once, where on a GPU adding up each would be a kernel of its own. (Where several
/// backward passes add up they do so in the buffer.) Gradients that never came count as zero. The loss must be the
/// local sum over the *global* batch size: sums are then exact for uneven shares. Running statistics of batch norm are
/// averaged over the ranks in a last bucket. One backward at a time.
///
/// A step: begin_step(), forward with await_values() of each layer, backward, finish_step(), update of the owned()
/// intervals, share_values().
class GradientSync {
 public:
  /// `statistics`: what to average, [elements] fp32, or undefined for nothing. All must outlive this.
  GradientSync(FlatParameters& parameters, at::Tensor statistics, Collective& collective,
               GradientSyncOptions options = {});
  ~GradientSync();
  GradientSync(const GradientSync&) = delete;
  GradientSync& operator=(const GradientSync&) = delete;

  /// Forgets the gradients and arms the buckets. Gradients add up over `backwards` backward passes, and the buckets
  /// leave in the last one.
  void begin_step(int backwards = 1);
  /// Sends what is still here and waits for everything on the wire; averages the statistics.
  void finish_step();
  /// The intervals of the flat index space whose sums this rank has after finish_step(), ascending: the whole of it, or
  /// when sharded its part of each bucket.
  std::vector<Interval> owned() const;
  /// 2-norm of the whole gradient after finish_step(), 0-dim fp32, the same on every rank. All ranks call.
  at::Tensor norm();
  /// The same for parts of the flat index space, [parts] fp32.
  at::Tensor norms(const std::vector<Interval>& parts);
  /// Begins to hand every rank's owned() intervals of the parameters' values to all, once they are updated: those that
  /// the next forward pass uses first go first. All ranks call.
  void share_values();
  /// Until all of a parameter's values are here, or everybody's: to be called before they are read. finish_step() does.
  void await_values(const at::Tensor& parameter);
  void await_values();
  /// Seconds of the last step that were spent waiting for the wire: communication not hidden behind backward.
  double exposed_seconds() const;
  std::int64_t buckets() const;

  /// Between steps: buckets of another size from now on, the first of at most as much too. All ranks call. Throws
  /// std::logic_error where can_rebucket() is false: when sharded, owned() must stay what it is.
  void rebucket(std::int64_t bucket_bytes);
  bool can_rebucket() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Broadcasts rank 0's parameters and statistics to all.
void broadcast_state(FlatParameters& parameters, const at::Tensor& statistics, Collective& collective);

}  // namespace penumbra::comm
