#include "trainer/optim/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace penumbra::trainer {
namespace {

double peak(const ScheduleOptions& options, double global_batch) {
  const double ratio = global_batch / options.reference_batch;
  switch (options.batch_scaling) {
    case BatchScaling::linear:
      return options.learning_rate * ratio;
    case BatchScaling::sqrt:
      return options.learning_rate * std::sqrt(ratio);
    case BatchScaling::none:
      break;
  }
  return options.learning_rate;
}

double cosine(double share, double progress) {
  return share + (1 - share) * (1 + std::cos(std::numbers::pi * std::clamp(progress, 0.0, 1.0))) / 2;
}

double shape(const ScheduleOptions& options, double epoch, double epochs) {
  const double warm_up = options.warm_up_epochs;
  switch (options.kind) {
    case ScheduleKind::cosine:
      // A run that is all warm-up never comes down.
      return epochs > warm_up ? cosine(options.final_share, (epoch - warm_up) / (epochs - warm_up)) : 1;
    case ScheduleKind::step: {
      const auto passed = std::count_if(options.milestones.begin(), options.milestones.end(),
                                        [epoch](double milestone) { return milestone <= epoch; });
      return std::pow(options.gamma, static_cast<double>(passed));
    }
    case ScheduleKind::exponential:
      return std::pow(options.gamma, epoch - warm_up);
    case ScheduleKind::constant:
      break;
  }
  return 1;
}

}  // namespace

double learning_rate_at(const ScheduleOptions& options, double epoch, double epochs, double global_batch) {
  const double warm_up = options.warm_up_epochs;
  const double warm = epoch < warm_up ? epoch / warm_up : 1;
  return peak(options, global_batch) * warm * shape(options, std::max(epoch, warm_up), epochs);
}

}  // namespace penumbra::trainer
