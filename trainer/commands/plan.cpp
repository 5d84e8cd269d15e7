#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "comm/cost_model.h"
#include "comm/gradient_sync_options.h"
#include "data/loader_options.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/options.h"
#include "trainer/config.h"
#include "trainer/loop/training_options.h"
#include "trainer/loop/trial_step.h"

namespace penumbra::trainer {
namespace {

/// What a byte of such a network costs in practice, TCP or RDMA included.
const std::map<std::string, comm::Link>& networks() {
  static const std::map<std::string, comm::Link> all = {
      {"1gbit", {50e-6, 0.117e9}}, {"10gbit", {30e-6, 1.1e9}}, {"25gbit", {20e-6, 2.8e9}},
      {"100gbit", {10e-6, 11e9}},  {"hdr200", {2e-6, 23e9}},   {"shared-memory", {3e-6, 5e9}},
  };
  return all;
}

struct PlanArguments {
  std::vector<std::string> configs;
  std::string network = "10gbit", within = "shared-memory";
  std::vector<std::string> sets;
  int ranks = 2, ranks_per_host = 1, channels = 1, steps = 5;
  bool json = false;
};

/// A name, or a file that `penumbra bench comm --json` between two ranks of that network has written.
comm::Link link_of(const std::string& name) {
  if (const auto known = networks().find(name); known != networks().end()) return known->second;
  std::ifstream file(name);
  const auto report = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  try {
    if (report.at("ranks") != 2) throw ConfigError(fmt::format("{}: a link is measured between 2 ranks", name));
    const auto& rows = report.at("all_reduce");
    const auto& small = rows.at(0);
    const auto& large = rows.at(rows.size() - 1);
    return comm::fit_link(small.at("bytes"), small.at("collective_seconds"), large.at("bytes"),
                          large.at("collective_seconds"));
  } catch (const nlohmann::json::exception&) {
    std::string names;
    for (const auto& item : networks()) names += (names.empty() ? "" : ", ") + item.first;
    throw ConfigError(
        fmt::format("network {}: neither one of {} nor a file that `penumbra bench comm --json` wrote", name, names));
  } catch (const std::invalid_argument& problem) {
    throw ConfigError(fmt::format("{}: {}: measure with more --rounds", name, problem.what()));
  }
}

struct Plan {
  TrialStep trial;
  comm::Network network;
  bool sharded = false;

  comm::StepPrediction at(int ranks) const { return comm::predict_step(trial.profile, trial.tail, ranks, network); }
  double bytes_a_step() const { return std::accumulate(trial.profile.bytes.begin(), trial.profile.bytes.end(), 0.0); }
  /// Weights, gradients, moments and averages; activations and the training set come on top.
  double state_bytes(int ranks) const {
    const double moments = static_cast<double>(trial.optimizer_values) / (sharded ? ranks : 1);
    return 4 * (2.0 * static_cast<double>(trial.parameters) + moments + static_cast<double>(trial.average_values));
  }
};

nlohmann::json row_of(const Plan& plan, int ranks) {
  const comm::StepPrediction step = plan.at(ranks);
  return {{"ranks", ranks},
          {"step_seconds", step.seconds},
          {"communication_seconds", step.communication},
          {"exposed_seconds", step.exposed},
          {"efficiency", plan.trial.profile.seconds / step.seconds},
          {"images_per_second", static_cast<double>(ranks) * static_cast<double>(plan.trial.images) / step.seconds}};
}

nlohmann::json describe(const Plan& plan, const PlanArguments& arguments) {
  nlohmann::json out = {{"parameters", plan.trial.parameters},
                        {"images_a_rank", plan.trial.images},
                        {"buckets", plan.trial.profile.bytes.size()},
                        {"bucket_bytes", plan.trial.profile.bytes},
                        {"bytes_a_step", plan.bytes_a_step()},
                        {"state_bytes_a_rank", plan.state_bytes(arguments.ranks)},
                        {"compute_seconds", plan.trial.profile.seconds},
                        {"plan", row_of(plan, arguments.ranks)},
                        {"scaling", nlohmann::json::array()}};
  for (int ranks = 1; ranks <= 4096; ranks *= 2) out["scaling"].push_back(row_of(plan, ranks));
  return out;
}

void print_rows(const nlohmann::json& plan) {
  fmt::print(
      "{} parameters; a rank holds {:.1f} MiB of weights, gradients and moments and takes {} images a step in {:.3f} "
      "s;\n"
      "{:.2f} MiB a step on the wire in {} pieces\n\n{:>6} {:>10} {:>14} {:>10} {:>11} {:>12}\n",
      plan["parameters"].get<std::int64_t>(), plan["state_bytes_a_rank"].get<double>() / (1 << 20),
      plan["images_a_rank"].get<std::int64_t>(), plan["compute_seconds"].get<double>(),
      plan["bytes_a_step"].get<double>() / (1 << 20), plan["buckets"].get<std::size_t>(), "ranks", "step, s",
      "of traffic, s", "exposed, s", "efficiency", "images/s");
  const auto print_row = [](const nlohmann::json& row) {
    fmt::print("{:>6} {:>10.4f} {:>14.4f} {:>10.4f} {:>9.1f} % {:>12.0f}\n", row["ranks"].get<int>(),
               row["step_seconds"].get<double>(), row["communication_seconds"].get<double>(),
               row["exposed_seconds"].get<double>(), 100 * row["efficiency"].get<double>(),
               row["images_per_second"].get<double>());
  };
  print_row(plan["plan"]);
  fmt::print("\nwith the same share of images a rank:\n");
  for (const auto& row : plan["scaling"]) print_row(row);
}

void run_plan(const PlanArguments& arguments) {
  const Config config = load_config(arguments.configs, arguments.sets);
  const std::int64_t share = config.loader->global_batch / arguments.ranks / 2 * 2;
  if (share < 2) {
    throw ConfigError(fmt::format("train.batch = {} has {} pairs for {} ranks: plan for fewer ranks or a larger batch",
                                  config.loader->global_batch, config.loader->global_batch / 2, arguments.ranks));
  }
  const comm::Network network{link_of(arguments.network), link_of(arguments.within), arguments.ranks_per_host};
  at::set_num_threads(static_cast<int>(config.train->threads > 0 ? config.train->threads
                                                                 : std::max(1U, std::thread::hardware_concurrency())));
  const Plan plan{time_steps(config, share, arguments.channels, arguments.steps), network,
                  config.sync->mode == comm::SyncMode::sharded};
  const nlohmann::json result = describe(plan, arguments);
  if (arguments.json) {
    fmt::print("{}\n", result.dump());
  } else {
    print_rows(result);
  }
}

}  // namespace

void add_plan(CLI::App& app) {
  auto arguments = std::make_shared<PlanArguments>();
  CLI::App* command = app.add_subcommand(
      "plan", "Predict memory, traffic and step time at any number of ranks, from a few trial steps here");
  add_config_option(*command, arguments->configs);
  add_set_option(*command, arguments->sets);
  command->add_option("--ranks", arguments->ranks, "that share train.batch")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command
      ->add_option("--network", arguments->network,
                   "between hosts: a name, or what `bench comm --json` wrote for 2 ranks")
      ->capture_default_str();
  command->add_option("--within", arguments->within, "within a host, likewise")->capture_default_str();
  command->add_option("--ranks-per-host", arguments->ranks_per_host)->check(CLI::Range(1, 1024))->capture_default_str();
  command->add_option("--channels", arguments->channels, "of the images: 1 or 3")
      ->check(CLI::IsMember({1, 3}))
      ->capture_default_str();
  command->add_option("--steps", arguments->steps, "trial steps")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_flag("--json", arguments->json, "one JSON object");
  command->footer("Example: penumbra plan configs/ferplus-small.toml --ranks 4 --network 1gbit");
  command->callback([arguments] { run_plan(*arguments); });
}

}  // namespace penumbra::trainer
