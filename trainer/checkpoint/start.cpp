#include "trainer/checkpoint/start.h"

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "data/error.h"
#include "trainer/checkpoint/initial_weights.h"
#include "trainer/exit_code.h"
#include "trainer/launch/variables.h"
#include "trainer/loop/training_options.h"
#include "trainer/nets/pretrained_options.h"

namespace penumbra::trainer {
namespace {

/// On rank 0: the folder of a run that begins, once it is known with what.
void create_run(Start& start, const Config& config, const StartOptions& options, const data::StoreInfo& info, int ranks,
                const RunFolder& folder) {
  if (!start.resumed) start.pretrained = read_pretrained(config, info);
  folder.create(config, ranks, options.overwrite);
  if (start.resumed) folder.write_facts("pretrained", {{"checkpoint", options.resume}});
  if (!start.pretrained) return;
  nlohmann::json account = to_json(*start.pretrained);
  account["file"] = config.pretrained->file;
  folder.write_facts("pretrained", account);
}

/// On rank 0: finds whether a run is to begin, to go on or is done; "new", "on" or "done".
std::string mode_of(const StartOptions& options, const Config& config, const RunFolder& folder,
                    const CheckpointFolder& checkpoints) {
  const bool goes_on = !options.overwrite && options.resume == "auto" && checkpoints.incarnations() > 0;
  if (goes_on && folder.finished()) {
    const Config then = load_config({folder.config().string()}, {});
    require_same_run(config.run_dir, to_toml(then), to_toml(config));
    if (then.train->epochs >= config.train->epochs) return "done";
  }
  return goes_on ? "on" : "new";
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

/// On rank 0: a run that goes on must find the checkpoint that it published last. A disk may not be mounted, or
/// somebody may have cleaned up: neither is a reason to begin anew, which would remove weights and log.
void require_newest(const CheckpointFolder& checkpoints, const std::optional<Resumed>& resumed) {
  const std::string newest = checkpoints.newest_published();
  if (newest.empty() || std::filesystem::exists(checkpoints.path_of(newest))) return;
  if (!resumed) {
    throw data::DataError(
        fmt::format("{} is gone, and so are all other checkpoints of this run: bring them back (is their disk "
                    "mounted?), or pass --overwrite to begin anew without them",
                    checkpoints.path_of(newest).string()));
  }
  spdlog::warn("checkpoint {} is gone: the run goes on from {}", newest, resumed->name);
}

}  // namespace

Start begin_run(StartOptions options, const Config& config, const TrainingData& data, const RunFolder& folder,
                const CheckpointFolder& checkpoints, comm::World& world) {
  forget_first_wishes(options, checkpoints, world);
  Start start;
  start.data = data.fingerprint;
  const auto fits = [&] { require_compatible(*start.resumed, to_toml(config), start.data); };
  if (options.resume != "auto" && options.resume != "never") {  // before anything is removed
    start.resumed = checkpoint_at(options.resume, world);
    world.all_or_none(fits, exit_code_of);
  }
  std::string mode;
  const auto open = [&] {
    if (world.rank() != 0) return;
    mode = mode_of(options, config, folder, checkpoints);
    if (mode != "new") return;
    create_run(start, config, options, data.train.info, world.size(), folder);
    checkpoints.clear();
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
    if (goes_on) require_newest(checkpoints, start.resumed);
    if (goes_on && start.resumed) folder.reopen(config, start.resumed->manifest.metrics_bytes);
    if (goes_on && !start.resumed) {
      if (folder.finished() || !checkpoints.lineage().empty()) {
        throw ConfigError(
            fmt::format("{}: no whole checkpoint to go on from: pass --overwrite to begin anew", config.run_dir));
      }
      options.overwrite = true;  // it died before its first checkpoint
      create_run(start, config, options, data.train.info, world.size(), folder);
    }
    folder.write_facts("data", describe(config, data));
    start.incarnation =
        checkpoints.begin_incarnation(goes_on && start.resumed ? start.resumed->name : "", this_job().id);
  };
  world.all_or_none(take_number, exit_code_of);
  start.incarnation = std::stoi(world.broadcast(std::to_string(start.incarnation)));
  return start;
}

}  // namespace penumbra::trainer
