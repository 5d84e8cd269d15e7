#include "trainer/checkpoint/start.h"

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "trainer/exit_code.h"
#include "trainer/launch/variables.h"

namespace penumbra::trainer {
namespace {

/// On rank 0: makes the folder of a new run, or finds that one is to go on or is done; "new", "on" or "done".
std::string open_run(const StartOptions& options, const Config& config, int ranks, const RunFolder& folder,
                     const CheckpointFolder& checkpoints) {
  const bool goes_on = !options.overwrite && options.resume == "auto" && checkpoints.has_incarnations();
  if (goes_on && folder.finished()) {
    const Config then = load_config({folder.config().string()}, {});
    require_same_run(config.run_dir, to_toml(then), to_toml(config));
    if (then.train.epochs >= config.train.epochs) return "done";
  }
  if (goes_on) return "on";
  folder.create(config, ranks, options.overwrite);
  checkpoints.clear();
  return "new";
}

/// The checkpoint that was asked for by its folder.
Resumed checkpoint_at(const std::string& folder, comm::World& world) {
  Resumed resumed;
  const auto load = [&] {
    const std::filesystem::path path = std::filesystem::weakly_canonical(folder);
    const CheckpointFolder checkpoints(path.parent_path().parent_path());
    resumed = read_checkpoint(checkpoints, path.filename(), world);
  };
  world.all_or_none(load, exit_code_of);
  return resumed;
}

/// Who has started this: a Slurm job, or `penumbra launch`; and whether not for the first time.
struct Job {
  std::string id;  ///< empty: nobody who would start it again
  bool again = false;
};

Job this_job() {
  for (const auto& [id, count] :
       {std::pair{kLaunchId, kRestartCount}, std::pair{"SLURM_JOB_ID", "SLURM_RESTART_COUNT"}}) {
    const char* name = std::getenv(id);
    const char* restarts = std::getenv(count);
    if (name != nullptr) return {fmt::format("{}={}", id, name), restarts != nullptr && std::atoi(restarts) > 0};
  }
  return {};
}

/// A job that is started again runs the same command: what it asked for at first is done, once it got so far.
void forget_first_wishes(StartOptions& options, const CheckpointFolder& checkpoints, comm::World& world) {
  const Job job = this_job();
  const bool done = world.rank() == 0 && job.again && checkpoints.was_started_by(job.id);
  if (world.broadcast(done ? "done" : "").empty()) return;
  options.overwrite = false;
  options.resume = "auto";
}

}  // namespace

Start begin_run(StartOptions options, const Config& config, const std::string& data, const RunFolder& folder,
                const CheckpointFolder& checkpoints, comm::World& world) {
  forget_first_wishes(options, checkpoints, world);
  Start start;
  start.data = data;
  const auto fits = [&] { require_compatible(*start.resumed, to_toml(config), data); };
  if (options.resume != "auto" && options.resume != "never") {  // before anything is removed
    start.resumed = checkpoint_at(options.resume, world);
    world.all_or_none(fits, exit_code_of);
  }
  std::string mode;
  const auto open = [&] {
    if (world.rank() == 0) mode = open_run(options, config, world.size(), folder, checkpoints);
  };
  world.all_or_none(open, exit_code_of);
  mode = world.broadcast(mode);
  start.done = mode == "done";
  if (start.done) return start;
  const bool goes_on = mode == "on";
  if (goes_on) start.resumed = newest_whole(checkpoints, world);
  const auto take_number = [&] {
    if (start.resumed) fits();
    if (world.rank() != 0) return;
    if (goes_on && start.resumed) folder.reopen(config, start.resumed->manifest.metrics_bytes);
    if (goes_on && !start.resumed) {
      if (folder.finished() || !checkpoints.lineage().empty()) {
        throw ConfigError(
            fmt::format("{}: no whole checkpoint to go on from: pass --overwrite to begin anew", config.run_dir));
      }
      folder.create(config, world.size(), true);  // it died before its first checkpoint
    }
    start.incarnation =
        checkpoints.begin_incarnation(goes_on && start.resumed ? start.resumed->name : "", this_job().id);
  };
  world.all_or_none(take_number, exit_code_of);
  start.incarnation = std::stoi(world.broadcast(std::to_string(start.incarnation)));
  return start;
}

}  // namespace penumbra::trainer
