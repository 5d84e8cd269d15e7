#pragma once

#include <vector>

namespace penumbra::trainer {

enum class ScheduleKind { cosine, step, exponential, constant };
enum class BatchScaling { none, linear, sqrt };

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::cosine;
  double learning_rate = 0.05;     ///< peak
  double final_share = 0;          ///< cosine ends at this share of the peak
  double warm_up_epochs = 1;       ///< linear from 0
  std::vector<double> milestones;  ///< step: epochs at which it is multiplied by gamma
  double gamma = 0.1;              ///< step; exponential: factor an epoch
  BatchScaling batch_scaling = BatchScaling::none;
  double reference_batch = 256;  ///< the global batch that learning_rate is meant for
};

/// Learning rate at point `epoch` (real) of a run of `epochs` epochs. Pure. With w = warm_up_epochs and
/// P = learning_rate times 1, batch / reference or sqrt(batch / reference):
///   rate = P * min(1, epoch / w) * shape(max(epoch, w)),
///   cosine: share + (1 - share) (1 + cos(pi (e - w) / (epochs - w))) / 2, held after the end;
///   step: gamma^(number of milestones <= e);  exponential: gamma^(e - w);  constant: 1.
/// So every schedule is continuous at the end of the warm-up. It is 0 at epoch 0 and may be 0 at the end: a step that
/// asks for its middle, (step + 1/2) / steps_per_epoch, never gets a zero.
double learning_rate_at(const ScheduleOptions& options, double epoch, double epochs, double global_batch);

}  // namespace penumbra::trainer
