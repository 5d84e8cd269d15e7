#include "trainer/loop/pace.h"

#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>

#include "trainer/objective/objective_options.h"
#include "trainer/optim/learning_rate.h"

namespace penumbra::trainer {

at::Tensor pace_numbers(const Config& config, Progress progress, std::int64_t count, std::int64_t global_batch) {
  const Ramps ramps = ramps_at(*config.objective, progress);
  const double rate =
      learning_rate_at(*config.schedule, progress.epoch, progress.epochs, static_cast<double>(global_batch));
  return at::stack({ramps.coupling, ramps.soft_labels, ramps.weighted, at::scalar_tensor(rate, at::kDouble),
                    at::scalar_tensor(count, at::kDouble)});
}

at::Tensor pace_on(at::Device device, const at::Tensor& numbers) {
  return numbers.to(device, device.is_cpu() ? at::kDouble : at::kFloat, /*non_blocking=*/true, /*copy=*/true);
}

Pace pace_of(const at::Tensor& numbers) { return {{numbers[0], numbers[1], numbers[2]}, numbers[3], numbers[4]}; }

}  // namespace penumbra::trainer
