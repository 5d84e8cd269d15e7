#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/error.h"
#include "trainer/card/card_file.h"
#include "trainer/card/model_card.h"
#include "trainer/card/run_facts.h"
#include "trainer/checkpoint/checkpoint_folder.h"
#include "trainer/checkpoint/export.h"
#include "trainer/commands/commands.h"
#include "trainer/config.h"

namespace penumbra::trainer {
namespace {

CheckpointFolder folder_of(const std::string& run) {
  const CheckpointFolder folder(run);
  if (folder.incarnations() == 0)
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
  std::string run, path, net = "original", from, card;
  std::vector<std::string> evaluations;
};

/// What `penumbra eval --json` found of this net, with these weights.
nlohmann::json read_evaluation(const std::string& path, const std::string& net, const TrainedModel& model) {
  std::ifstream file(path);
  if (!file) throw ConfigError(fmt::format("--evaluation {}: cannot be read", path));
  nlohmann::json found = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!found.is_object() || !found.contains("checkpoint") || !found.contains("head") || !found.contains("split"))
    throw data::DataError(fmt::format("--evaluation {}: not what penumbra eval --json prints", path));
  const auto whole = [](const std::string& name) { return std::filesystem::weakly_canonical(name); };
  const std::string head = found["head"], weights = found["checkpoint"];
  if (head != net || whole(weights) != whole(model.checkpoint)) {
    throw ConfigError(fmt::format("--evaluation {}: is of the head \"{}\" of {}, not of the {} net of {}", path, head,
                                  weights, net, model.checkpoint));
  }
  return found;
}

void export_weights(const ExportArguments& arguments) {
  const std::filesystem::path file(arguments.path);
  const std::filesystem::path card =
      arguments.card.empty() ? file.parent_path() / "MODEL_CARD.md" : std::filesystem::path(arguments.card);
  require_replaceable(card);
  TrainedModel model = load_from(arguments.run, arguments.from);
  const RunFolder folder(arguments.run);
  try {
    CardSubject subject{folder.path().filename().string(), arguments.net, file, {}};
    for (const std::string& path : arguments.evaluations)
      subject.evaluations.push_back(read_evaluation(path, arguments.net, model));
    const RunFacts facts = facts_of(folder, model);
    export_net(model, arguments.net, file);
    write_card(card, model_card(subject, model, facts));
  } catch (const nlohmann::json::exception& problem) {
    throw data::DataError(
        fmt::format("{}: its records, or an evaluation, are damaged: {}", arguments.run, problem.what()));
  }
  fmt::print("{}: the {} net of {}\n{}: its model card\n", arguments.path, arguments.net, model.checkpoint,
             card.string());
}

void add_export(CLI::App& command) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* sub =
      command.add_subcommand("export", "One net as safetensors with torchvision's names, and its model card");
  sub->add_option("run", arguments->run, "run folder")->required();
  sub->add_option("file", arguments->path, "to write")->required();
  sub->add_option("--net", arguments->net, "original or ambiguous")
      ->check(CLI::IsMember({"original", "ambiguous"}))
      ->capture_default_str();
  sub->add_option("--from", arguments->from,
                  "best, final, or a checkpoint's name; default: the first of them that there is");
  sub->add_option("--card", arguments->card, "where its model card goes; default: MODEL_CARD.md beside it");
  sub->add_option("--evaluation", arguments->evaluations, "what penumbra eval --json printed of it, for the card")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  sub->footer("Example: penumbra checkpoint export runs/mine net.safetensors --evaluation test.json");
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
