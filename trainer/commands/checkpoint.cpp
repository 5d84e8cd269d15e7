#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "data/error.h"
#include "trainer/checkpoint/checkpoint_folder.h"
#include "trainer/checkpoint/export.h"
#include "trainer/commands/commands.h"
#include "trainer/config.h"

namespace penumbra::trainer {
namespace {

CheckpointFolder folder_of(const std::string& run) {
  const CheckpointFolder folder(run);
  if (!folder.has_incarnations())
    throw ConfigError(fmt::format("{}: not a run folder with checkpoints: it has no incarnation-0.json", run));
  return folder;
}

void list(const std::string& run) {
  const CheckpointFolder folder = folder_of(run);
  fmt::print("{:<24} {:>6} {:>6} {:>9} {:>6} {:>10}\n", "checkpoint", "epoch", "step", "steps", "ranks", "MiB");
  for (const std::string& name : folder.lineage()) {
    const Manifest manifest = folder.manifest_of(name);
    double bytes = 0;
    for (const FileStamp& shard : manifest.shards) bytes += static_cast<double>(shard.bytes);
    fmt::print("{:<24} {:>6} {:>6} {:>9} {:>6} {:>10.2f}\n", name, manifest.position.epoch + 1, manifest.position.step,
               manifest.steps, manifest.ranks, bytes / (1 << 20));
  }
}

void verify(const std::string& run) {
  const CheckpointFolder folder = folder_of(run);
  int damaged = 0;
  for (const std::string& name : folder.lineage()) {
    try {
      const WholeArrays arrays = folder.load(name, folder.manifest_of(name));
      fmt::print("{}: whole, {} arrays\n", name, arrays.size());
    } catch (const data::DataError& problem) {
      fmt::print("{}: damaged: {}\n", name, problem.what());
      ++damaged;
    }
  }
  if (damaged > 0) throw data::DataError(fmt::format("{}: {} checkpoints are damaged", run, damaged));
}

struct ExportArguments {
  std::string run, path, net = "original", from;
};

void export_weights(const ExportArguments& arguments) {
  TrainedModel model = load_from(arguments.run, arguments.from);
  export_net(model, arguments.net, arguments.path);
  fmt::print("{}: the {} net of {}\n", arguments.path, arguments.net, model.checkpoint);
}

void add_export(CLI::App& command) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* sub = command.add_subcommand("export", "One net as safetensors with torchvision's names");
  sub->add_option("run", arguments->run, "run folder")->required();
  sub->add_option("file", arguments->path, "to write")->required();
  sub->add_option("--net", arguments->net, "original or ambiguous")
      ->check(CLI::IsMember({"original", "ambiguous"}))
      ->capture_default_str();
  sub->add_option("--from", arguments->from,
                  "best, final, or a checkpoint's name; default: the first of them that there is");
  sub->footer("Example: penumbra checkpoint export runs/mine net.safetensors");
  sub->callback([arguments] { export_weights(*arguments); });
}

}  // namespace

void add_checkpoint(CLI::App& app) {
  CLI::App* command = app.add_subcommand("checkpoint", "Look at the checkpoints of a run, export weights");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, void (*act)(const std::string&)) {
    auto run = std::make_shared<std::string>();
    CLI::App* sub = command->add_subcommand(name, what);
    sub->add_option("run", *run, "run folder")->required();
    sub->footer(fmt::format("Example: penumbra checkpoint {} runs/mine", name));
    sub->callback([run, act] { act(*run); });
  };
  add("list", "Those that a resumed run would take, newest first", list);
  add("verify", "Reads every shard and compares its checksum; exit code 3 where one is damaged", verify);
  add_export(*command);
}

}  // namespace penumbra::trainer
