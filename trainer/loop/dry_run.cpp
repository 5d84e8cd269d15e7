#include <filesystem>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "comm/timing.h"
#include "trainer/loop/run_state.h"
#include "trainer/loop/train_loop.h"

namespace penumbra::trainer {

void dry_run(const Config& config, const TrainingData& data, comm::World& world, at::Device device,
             const std::optional<Pretrained>& pretrained) {
  RunState run(config, data, world, device, pretrained);
  FaultPlan no_faults;
  run.loader.start_epoch(0);
  const double step_seconds = comm::seconds_of([&] { run.take_step(0, 0, no_faults); });
  const IntervalReport r = run.report(0, 1);
  std::string text =
      fmt::format("dry run: {} parameters, {} steps an epoch, {} buckets, first step {:.2f} s, loss {:.4f}",
                  run.state.parameters.size(), r.steps, run.state.gradients.buckets(), step_seconds, r.loss);
  run.state.bank.end_epoch(world.collective());
  if (data.validation) {
    Validation validation;
    const double seconds =
        comm::seconds_of([&] { validation = validate(run.state, *data.validation, config, world.collective()); });
    text += fmt::format(", validation of {} faces {:.2f} s", validation.measures.count, seconds);
  }
  if (world.rank() != 0) return;
  const auto path = std::filesystem::temp_directory_path() / fmt::format("penumbra-dry-run-{}", getpid());
  const RunFolder folder(path);
  folder.create(config, world.size(), true);
  run.save_weights(folder, "final", 0);
  text += fmt::format(", weights {} bytes", std::filesystem::file_size(folder.weights("final")));
  std::filesystem::remove_all(path);
  spdlog::info("{}", text);
}

}  // namespace penumbra::trainer
