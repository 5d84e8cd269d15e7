#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "comm/error.h"
#include "comm/watchdog/watchdog.h"
#include "comm/world.h"
#include "data/loader_options.h"
#include "data/shared_images.h"
#include "trainer/checkpoint/initial_weights.h"
#include "trainer/checkpoint/start.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/options.h"
#include "trainer/config.h"
#include "trainer/exit_code.h"
#include "trainer/faults/fault_plan.h"
#include "trainer/loop/device.h"
#include "trainer/loop/profile.h"
#include "trainer/loop/stop_options.h"
#include "trainer/loop/stop_request.h"
#include "trainer/loop/train_loop.h"
#include "trainer/loop/training_options.h"
#include "trainer/objective/objective_options.h"
#include "trainer/run_folder.h"
#include "trainer/telemetry/monitor_options.h"

namespace penumbra::trainer {
namespace {

/// Below 4x4 cells there is little that attention could disagree about.
void warn_of_coarse_attention(const Config& config, int image_size) {
  const int view = config.loader->view_size > 0 ? config.loader->view_size : image_size;
  const double cells = std::ceil(view / ResNet(*config.net, 0).receptive_field().stride);
  if (config.train->method == Method::full && config.objective->attention_weight > 0 && cells < 4) {
    spdlog::warn("attention maps have only {0}x{0} cells: use net.last_stride = 1 or a smaller stem stride", cells);
  }
}

void announce(const Config& config, const TrainingData& data, const comm::World& world, at::Device device) {
  spdlog::info("{} rank{} of {} thread{} on {}; {} faces to train on{}, {} classes, {} px; run folder {}", world.size(),
               world.size() == 1 ? "" : "s", at::get_num_threads(), at::get_num_threads() == 1 ? "" : "s",
               device.is_cpu() ? "CPUs" : "GPUs", data.train.size(),
               data.validation ? fmt::format(", {} to validate on", data.validation->size()) : ", no validation split",
               data.train.classes(), data.train.info.image_size, config.run_dir);
  spdlog::info("images: {}", data::describe_images(data.train.pixels, data.windows, world));
  if (!data.variants.empty()) {
    spdlog::info("{} stored variants, each {}", data.variants.size(),
                 data::describe_images(data.variants.front().pixels, {}, world));
  }
}

/// A rank is gone or stuck: leaves a record, says so once, and ends the job.
void give_up(comm::World& world, const RunFolder& folder, const comm::Member& self, const comm::Verdict& verdict) {
  comm::write_failure_record(folder.failures(), self, verdict, world.recorder());
  const bool speaks = world.rank() == 0 || verdict.rank == 0;  // whoever lost rank 0 cannot know who else speaks
  if (speaks) fmt::print(stderr, "penumbra: error: {}; see {}\n", comm::describe(verdict), folder.failures().string());
  world.abort(comm::kCommErrorExitCode);
}

void run_train(const TrainArguments& arguments) {
  comm::World world;
  Config config;
  std::vector<Fault> wanted_faults;
  world.all_or_none(
      [&] {
        config = load_config(arguments.configs, arguments.sets);
        if (arguments.dry_run) {
          config.monitor->address = "off";
          config.tensorboard = false;
        }
        for (const std::string& text : arguments.faults) wanted_faults.push_back(parse_fault(text));
      },
      exit_code_of);
  world.require_agreement("configuration", to_toml(config));
  StopRequest stop(*config.stop, /*term=*/world.size() == 1);  // else the watchdog hears of SIGTERM first
  const bool gpus = takes_gpus(config.train->device, world);
  const TrainingData data = load_training_data(config, world);
  const RunFolder folder(config.run_dir);
  const CheckpointFolder checkpoints(config.run_dir);
  Start start;
  if (arguments.dry_run) {
    const auto read = [&] {
      if (world.rank() == 0) start.pretrained = read_pretrained(config, data.train.info);
    };
    world.all_or_none(read, exit_code_of);
  } else {
    start = begin_run({arguments.overwrite, arguments.resume}, config, data, folder, checkpoints, world);
  }
  if (start.done) {
    if (world.rank() == 0) {
      spdlog::info("{} is finished: raise train.epochs to train on, or pass --overwrite to begin anew", config.run_dir);
    }
    return;
  }
  const comm::Member self{world.rank(), world.size(), world.host()};
  std::atomic<Telemetry*> reports = nullptr;  // while there are any
  const comm::Watchdog watchdog(
      self, *config.watchdog, world.recorder(), [&](const std::string& text) { return world.broadcast(text); },
      [&](const comm::Verdict& verdict) {
        if (Telemetry* telemetry = reports) telemetry->close(monitor::Outcome::failed);
        give_up(world, folder, self, verdict);
      },
      [&] { stop.request(); });
  if (config.sync_path != SyncPath::automatic) {
    world.set_path(config.sync_path == SyncPath::library ? comm::Path::library : comm::Path::pairwise);
  }
  at::Device device = at::kCPU;
  if (gpus) {
    run_or_abort(world, [&] {  // NCCL may fail to start on one rank alone
      device = start_gpu(world, config.train->deterministic, [&](const std::string& problem) {
        give_up(world, folder, self, {self.rank, self.host, problem});
      });
    });
  }
  at::set_num_threads(static_cast<int>(config.train->threads > 0 ? config.train->threads : world.cores()));
  if (world.rank() == 0) {
    announce(config, data, world, device);
    if (start.pretrained) announce(config, *start.pretrained);
    warn_of_coarse_attention(config, data.train.info.image_size);
  }
  Telemetry telemetry(config, world, start, device.is_cpu() ? "cpu" : "cuda", data.train.info.classes, folder,
                      [&] { stop.request(); });
  reports = &telemetry;
  FaultPlan faults(wanted_faults, world.rank(), start.incarnation);
  bool finished = true;
  run_or_abort(world, [&] {
    const Profile profile(world.rank() == 0 ? arguments.profile : "", device);
    if (arguments.dry_run) {
      dry_run(config, data, world, device, start.pretrained);
    } else {
      try {
        finished = train(config, data, {world, device, folder, checkpoints, start, stop, faults, telemetry});
      } catch (...) {  // what follows may not come back
        telemetry.close(monitor::Outcome::failed);
        throw;
      }
      telemetry.close(finished ? monitor::Outcome::finished : monitor::Outcome::stopped);
    }
  });
  reports = nullptr;
  if (!finished) throw Stopped();
}

}  // namespace

void add_train(CLI::App& app) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* command = app.add_subcommand("train", "Train the nets; run it under mpirun for several ranks");
  add_train_options(*command, *arguments);
  command->footer(
      "Example: mpirun --bind-to none -np 2 penumbra train configs/demo.toml --set data.files='[\"faces.h5\"]' --set "
      "run.dir=runs/a");
  command->callback([arguments] { run_train(*arguments); });
}

}  // namespace penumbra::trainer
