#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "data/tools/holdout.h"
#include "data/tools/label_noise.h"
#include "data/tools/merge.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/options.h"

namespace penumbra::trainer {
namespace {

struct DataToolsArguments {
  std::string from, to, split = "val", by;
  std::vector<std::string> stores, class_map;
  double rate = 0.2, fraction = 0.1;
  std::uint64_t seed = 1;
};

void print_lines(const std::vector<std::string>& lines, const std::string& out) {
  for (const std::string& line : lines) fmt::print("{}\n", line);
  fmt::print("wrote {}\n", out);
}

void add_noise(CLI::App& data, const std::shared_ptr<DataToolsArguments>& a) {
  CLI::App* command = data.add_subcommand("noise", "A store with wrong labels put into its training split");
  command->add_option("store", a->from, "HDF5 store with clean labels")->required();
  command->add_option("out", a->to, "HDF5 file to write")->required();
  command->add_option("--rate", a->rate, "share of the training faces that get another class")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--seed", a->seed, "which faces, and which classes they get")->capture_default_str();
  command->footer("Example: penumbra data noise faces.h5 noisy.h5 --rate 0.2 --seed 1");
  command->callback([a] { print_lines(data::write_with_label_noise(a->from, a->to, a->rate, a->seed), a->to); });
}

void add_holdout(CLI::App& data, const std::shared_ptr<DataToolsArguments>& a) {
  CLI::App* command = data.add_subcommand("holdout", "A store with a part of its training split held out");
  command->add_option("store", a->from, "HDF5 store")->required();
  command->add_option("out", a->to, "HDF5 file to write")->required();
  command->add_option("--fraction", a->fraction, "share of the training faces, class by class (without --by)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--seed", a->seed, "which faces")->capture_default_str();
  command->add_option("--split", a->split, "what they become: val or test")
      ->check(CLI::IsMember({"val", "test"}))
      ->capture_default_str();
  command->add_option("--by", a->by, "whole groups of this column, e.g. subject, as `penumbra data inspect` names it");
  command->footer("Example: penumbra data holdout rafdb.h5 rafdb-val.h5 --fraction 0.1 --seed 1");
  command->callback(
      [a] { print_lines(data::write_holdout(a->from, a->to, a->fraction, a->seed, a->split, a->by), a->to); });
}

void add_merge(CLI::App& data, const std::shared_ptr<DataToolsArguments>& a) {
  CLI::App* command = data.add_subcommand(
      "merge", "One store of several: of the same image size and channels, classes matched by name");
  command->add_option("out", a->to, "HDF5 file to write")->required();
  command->add_option("stores", a->stores, "HDF5 stores, two or more")->required()->expected(-2);
  add_class_map_option(*command, a->class_map);
  command->footer("Example: penumbra data merge both.h5 lab.h5 web.h5 --class-map happy=happiness contempt=");
  command->callback(
      [a] { print_lines(data::write_merged(a->stores, data::parse_class_map(a->class_map), a->to), a->to); });
}

}  // namespace

void add_data_tools(CLI::App& data) {
  auto arguments = std::make_shared<DataToolsArguments>();
  add_noise(data, arguments);
  add_holdout(data, arguments);
  add_merge(data, arguments);
}

}  // namespace penumbra::trainer
