#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "comm/benchmark.h"
#include "data/benchmark.h"
#include "monitor/benchmark.h"
#include "trainer/checkpoint/benchmark.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/options.h"
#include "trainer/exit_code.h"

namespace penumbra::trainer {
namespace {

struct BenchArguments {
  std::vector<double> mebibytes = {1, 4, 25};
  int rounds = 15;
  bool json = false;
};

nlohmann::json to_json(const comm::AllReduceTiming& t) {
  return {{"bytes", t.bytes},
          {"collective_seconds", t.collective},
          {"bf16_seconds", t.bf16},
          {"sharded_seconds", t.sharded},
          {"mpi_seconds", t.plain}};
}

void print_timings(const std::vector<comm::AllReduceTiming>& timings, int ranks) {
  fmt::print("all-reduce of fp32 over {} ranks, GB/s of the tensor\n{:>10} {:>12} {:>12} {:>12} {:>14}\n", ranks, "MiB",
             "all_reduce", "bf16 wire", "in parts", "MPI_Allreduce");
  for (const comm::AllReduceTiming& t : timings) {
    const auto rate = [&](double seconds) { return static_cast<double>(t.bytes) / seconds / 1e9; };
    fmt::print("{:>10.3f} {:>12.2f} {:>12.2f} {:>12.2f} {:>14.2f}\n", static_cast<double>(t.bytes) / (1 << 20),
               rate(t.collective), rate(t.bf16), rate(t.sharded), rate(t.plain));
  }
}

void run_comm(const BenchArguments& arguments) {
  comm::World world;
  std::vector<std::int64_t> sizes;
  for (const double size : arguments.mebibytes) sizes.push_back(4 * static_cast<std::int64_t>(size * (1 << 18)));
  run_or_abort(world, [&] {
    const auto timings = comm::time_all_reduce(world, sizes, arguments.rounds);
    if (world.rank() != 0) return;
    if (!arguments.json) return print_timings(timings, world.size());
    nlohmann::json rows = nlohmann::json::array();
    for (const comm::AllReduceTiming& timing : timings) rows.push_back(to_json(timing));
    fmt::print("{}\n", nlohmann::json{{"ranks", world.size()}, {"all_reduce", rows}}.dump());
  });
}

struct CheckpointArguments {
  std::string folder;
  double mebibytes = 100;
  int rounds = 5;
};

/// Takes a folder of its own, which is removed.
void run_checkpoint(const CheckpointArguments& arguments) {
  comm::World world;
  const std::string name = world.broadcast(fmt::format("penumbra-bench-{}", getpid()));
  const std::filesystem::path folder = std::filesystem::path(arguments.folder) / name;
  run_or_abort(world, [&] {
    if (world.rank() == 0) std::filesystem::create_directories(folder);
    const CheckpointTiming timing =
        time_checkpoints(world, folder, static_cast<std::int64_t>(arguments.mebibytes * (1 << 20)), arguments.rounds);
    if (world.rank() != 0) return;
    std::filesystem::remove_all(folder);
    fmt::print("{}\n", nlohmann::json{{"ranks", world.size()},
                                      {"mib", arguments.mebibytes},
                                      {"stall_seconds", timing.stall},
                                      {"checkpoint_seconds", timing.whole},
                                      {"plain_write_seconds", timing.plain}}
                           .dump());
  });
}

struct ViewArguments {
  std::vector<std::string> images = {"48x1", "100x3", "224x3"};
  double seconds = 2;
};

/// "100x3": side and channels.
std::pair<int, int> image_kind(const std::string& text) {
  int size = 0, channels = 0;
  char more = 0;
  const bool read = std::sscanf(text.c_str(), "%dx%d%c", &size, &channels, &more) == 2;
  if (read && size >= 8 && size <= 1024 && (channels == 1 || channels == 3)) return {size, channels};
  throw CLI::ValidationError("--images", fmt::format("'{}' is not SIDExCHANNELS, e.g. 100x3", text));
}

void run_data(const ViewArguments& arguments) {
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& kind : arguments.images) {
    const auto [size, channels] = image_kind(kind);
    const data::ViewTiming t = data::time_views(size, channels, arguments.seconds);
    rows.push_back({{"image", kind},
                    {"renderer_views_per_second", t.renderer},
                    {"loader_views_per_second", t.loader},
                    {"bandwidth_views_per_second", t.bandwidth}});
  }
  fmt::print("{}\n", nlohmann::json{{"views", rows}}.dump());
}

struct MonitorArguments {
  int reports = 2000;
  double every = 0.005;
};

void run_monitor(const MonitorArguments& arguments) {
  const monitor::ReporterTiming t = monitor::time_reports(arguments.reports, arguments.every);
  fmt::print("{}\n", nlohmann::json{{"reports", arguments.reports},
                                    {"push_median_microseconds", 1e6 * t.median},
                                    {"push_p99_microseconds", 1e6 * t.p99},
                                    {"push_longest_microseconds", 1e6 * t.longest},
                                    {"cpu_microseconds_a_report", 1e6 * t.cpu_seconds}}
                         .dump());
}

}  // namespace

void add_bench(CLI::App& app) {
  CLI::App* command = app.add_subcommand("bench", "Measure this machine");
  command->require_subcommand(1);
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App* comm = command->add_subcommand("comm", "Collectives beside plain MPI; run it under mpirun");
  comm->add_option("--mib", arguments->mebibytes, "sizes in MiB")
      ->check(CLI::Range(1e-5, 2000.0))
      ->default_str(list_text(arguments->mebibytes));
  comm->add_option("--rounds", arguments->rounds, "medians over so many")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  comm->add_flag("--json", arguments->json, "one JSON object");
  comm->footer("Example: mpirun -np 2 penumbra bench comm --mib 1 4 25");
  comm->callback([arguments] { run_comm(*arguments); });

  auto views = std::make_shared<ViewArguments>();
  CLI::App* data =
      command->add_subcommand("data", "Views a second of one core: the renderer, and the loader around it");
  data->add_option("--images", views->images, "SIDExCHANNELS of random images")->default_str(list_text(views->images));
  data->add_option("--seconds", views->seconds, "of each measurement")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  data->footer("Example: penumbra bench data --images 48x1 224x3");
  data->callback([views] { run_data(*views); });

  auto to_disk = std::make_shared<CheckpointArguments>();
  CLI::App* checkpoint =
      command->add_subcommand("checkpoint", "Checkpoints beside plain writes with fsync; run it under mpirun");
  checkpoint->add_option("folder", to_disk->folder, "on the disk to measure")
      ->required()
      ->check(CLI::ExistingDirectory);
  checkpoint->add_option("--mib", to_disk->mebibytes, "of all ranks together")
      ->check(CLI::Range(0.01, 1e6))
      ->capture_default_str();
  checkpoint->add_option("--rounds", to_disk->rounds, "medians over so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  checkpoint->footer("Example: mpirun -np 2 penumbra bench checkpoint /scratch --mib 500");
  checkpoint->callback([to_disk] { run_checkpoint(*to_disk); });

  auto reports = std::make_shared<MonitorArguments>();
  CLI::App* monitor = command->add_subcommand("monitor", "What reporting to a monitor takes of the training");
  monitor->add_option("--reports", reports->reports, "so many")
      ->check(CLI::Range(10, 1'000'000))
      ->capture_default_str();
  monitor->add_option("--every", reports->every, "seconds between two")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  monitor->footer("Example: penumbra bench monitor");
  monitor->callback([reports] { run_monitor(*reports); });
}

}  // namespace penumbra::trainer
