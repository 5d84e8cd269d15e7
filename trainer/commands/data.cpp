#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "comm/world.h"
#include "data/import/image_file.h"
#include "data/inspect.h"
#include "data/loader_options.h"
#include "data/probe.h"
#include "data/render/store_variants.h"
#include "data/render/variants.h"
#include "data/store/reader.h"
#include "data/store/writer.h"
#include "data/synth/synth.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/options.h"
#include "trainer/config.h"
#include "trainer/exit_code.h"

namespace penumbra::trainer {
namespace {

struct DataArguments {
  data::SynthOptions synth;
  std::string from, to, sheet;
  int variants = 1;
  std::uint64_t seed = 1;
  std::string config;
  std::vector<std::string> sets;
  bool json = false;
};

void add_synth(CLI::App& data, const std::shared_ptr<DataArguments>& a) {
  CLI::App* command = data.add_subcommand("synth", "Write a store of procedural faces whose true ambiguity is known");
  command->add_option("out", a->to, "HDF5 file to write")->required();
  command->add_option("--train", a->synth.train, "faces to train on")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str();
  command->add_option("--val", a->synth.val, "faces to validate on")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str();
  command->add_option("--test", a->synth.test, "faces to test on")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str();
  command->add_option("--size", a->synth.size, "side in pixels")->check(CLI::Range(24, 512))->capture_default_str();
  command->add_option("--channels", a->synth.channels, "1 grey, 3 RGB")
      ->check(CLI::IsMember({1, 3}))
      ->capture_default_str();
  command->add_option("--seed", a->synth.seed, "the same seed gives the same bytes")->capture_default_str();
  command->add_option("--sheet", a->sheet, "also draw a contact sheet to this PNG");
  command->footer("Example: penumbra data synth faces.h5 --train 4096 --val 512 --test 1024");
  command->callback([a] {
    data::write_synthetic(a->synth, a->to);
    if (!a->sheet.empty()) data::write_png(a->sheet, data::contact_sheet(a->synth, 8, 3));
    fmt::print("wrote {}: {} / {} / {} faces\n", a->to, a->synth.train, a->synth.val, a->synth.test);
  });
}

void add_ambiguous(CLI::App& data, const std::shared_ptr<DataArguments>& a) {
  CLI::App* command = data.add_subcommand(
      "ambiguous", "Render and store K variants of the ambiguous training set, with mpirun on several ranks");
  command->add_option("file", a->from, "HDF5 store")->required();
  command->add_option("--variants", a->variants, "K")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_option("--seed", a->seed, "without --config; equal to run.seed it gives the same bits as the online set")
      ->capture_default_str();
  command->add_option("--config", a->config, "TOML file whose [ambiguous], data.view_size and run.seed to use");
  add_set_option(*command, a->sets);
  command->footer("Example: penumbra data ambiguous faces.h5 --variants 4 --config configs/demo.toml");
  command->callback([a] {
    comm::World world;
    data::VariantOptions options{a->variants, {}, a->seed, 0};
    world.all_or_none(
        [&] {
          if (a->config.empty()) return;
          const data::LoaderOptions configured = *load_config({a->config}, a->sets).loader;
          options = {a->variants, configured.strong, configured.seed, configured.view_size};
        },
        exit_code_of);
    const data::StoredVariants done = data::store_variants(a->from, options, world, exit_code_of);
    if (world.rank() != 0) return;
    if (done.found > 0) fmt::print("{} variants were there from a run that did not end\n", done.found);
    fmt::print("{}: {} variants of {} faces\n", a->from, a->variants, done.faces);
  });
}

void add_looking(CLI::App& data, const std::shared_ptr<DataArguments>& a) {
  CLI::App* verify = data.add_subcommand("verify", "Read everything and check it");
  CLI::App* probe = data.add_subcommand("probe", "How far a linear model on pixels gets: train split to test split");
  for (CLI::App* command : {verify, probe}) command->add_option("file", a->from, "HDF5 store")->required();
  verify->footer("Example: penumbra data verify faces.h5");
  probe->add_flag("--json", a->json, "one JSON object");
  probe->footer("Example: penumbra data probe faces.h5");
  verify->callback([a] {
    for (const std::string& line : data::verify(a->from)) fmt::print("{}\n", line);
    for (const std::string& line : data::verify_variants(a->from)) fmt::print("{}\n", line);
  });
  probe->callback([a] {
    const data::StoreReader reader(a->from);
    const data::ProbeResult result = data::linear_probe(reader.load("train"), reader.load("test"));
    if (a->json) {
      fmt::print(
          "{}\n",
          nlohmann::json{{"train_accuracy", result.train_accuracy}, {"test_accuracy", result.test_accuracy}}.dump());
    } else {
      fmt::print("linear probe on pixels: test accuracy {:.2f} %, training accuracy {:.2f} %\n",
                 100 * result.test_accuracy, 100 * result.train_accuracy);
    }
  });
}

}  // namespace

void add_data(CLI::App& app) {
  auto arguments = std::make_shared<DataArguments>();
  CLI::App* data = app.add_subcommand("data", "Make, import, inspect and verify stores of faces");
  data->require_subcommand(1);
  add_synth(*data, arguments);
  add_import(*data);
  add_ambiguous(*data, arguments);
  add_data_tools(*data);
  add_inspect(*data);
  add_looking(*data, arguments);
}

}  // namespace penumbra::trainer
