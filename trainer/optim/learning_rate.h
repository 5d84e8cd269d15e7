#pragma once

#include <vector>

namespace penumbra::trainer {

enum class ScheduleKind { cosine, step, exponential, constant };
enum class BatchScaling { none, linear, sqrt };

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::cosine;
  double learning_rate = 0.05;          ///< peak
  double final_share = 0;               ///< cosine ends at this share of the peak
  double warm_up_epochs = 1;            ///< linear from 0
  std::vector<double> milestones;       ///< step: epochs at which it is multiplied by gamma
  double gamma = 0.1;                   ///< step; exponential: factor an epoch
  BatchScaling batch_scaling = BatchScaling::none;
  double reference_batch = 256;         ///< the global batch that learning_rate is meant for
};

/// Learning rate at a point of the run, in epochs (real). Pure.
double learning_rate_at(const ScheduleOptions& options, double epoch, double epochs, double global_batch);

}  // namespace penumbra::trainer
