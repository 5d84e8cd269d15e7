#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "monitor/client.h"
#include "monitor/live_view.h"
#include "monitor/server.h"
#include "trainer/commands/commands.h"
#include "trainer/config.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {
namespace {

constexpr const char* kListen = "127.0.0.1:9465";
constexpr const char* kMetrics = "127.0.0.1:9464";

void add_security(CLI::App& command, monitor::Security& security) {
  command.add_option("--certificate", security.certificate, "PEM file with this side's certificate");
  command.add_option("--key", security.key, "PEM file with its key");
  command.add_option("--token-file", security.token_file, "file with a secret that both sides know");
}

// --- penumbra monitor

struct ServeArguments {
  monitor::ServerOptions options;
  bool reference = false;
};

/// Until SIGINT or SIGTERM.
void serve(const ServeArguments& arguments) {
  if (arguments.reference) {
    fmt::print("{}", monitor::metric_reference());
    return;
  }
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGINT);
  sigaddset(&end, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &end, nullptr);  // for the threads of the server too
  try {
    const monitor::Server server(arguments.options);
    spdlog::info("monitor: ranks, watch and ctl at {}, http://{}/metrics for Prometheus", server.address(),
                 server.metrics_address());
    int signal = 0;
    sigwait(&end, &signal);
  } catch (const std::invalid_argument& problem) {
    throw ConfigError(fmt::format("monitor: {}", problem.what()));
  }
}

void add_serve(CLI::App& app) {
  auto arguments = std::make_shared<ServeArguments>();
  monitor::ServerOptions& options = arguments->options;
  options.listen = kListen;
  options.metrics = kMetrics;
  CLI::App* command = app.add_subcommand("monitor", "A monitor for many runs: takes reports, serves Prometheus");
  command->add_option("--listen", options.listen, "HOST:PORT for ranks, watch and ctl")->capture_default_str();
  command->add_option("--metrics", options.metrics, "HOST:PORT of /metrics")->capture_default_str();
  command->add_option("--state", options.table.file, "file in which the list of runs outlives a restart");
  command->add_option("--silent-seconds", options.table.silent_seconds, "a rank silent for so long counts as down")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  command->add_option("--forget-seconds", options.table.forget_seconds, "a run silent for so long is forgotten")
      ->check(CLI::Range(10.0, 1e9))
      ->capture_default_str();
  add_security(*command, options.security);
  command->add_option("--client-ca", options.security.client_ca,
                      "PEM file: clients must show a certificate of this authority");
  command->add_flag("--insecure", options.security.insecure, "plain text and no token beyond this machine");
  command->add_flag("--reference", arguments->reference, "print the list of metrics and end");
  command->footer(
      "Runs report to it with --set monitor.address=127.0.0.1:9465.\n"
      "Example: penumbra monitor --state runs.json");
  command->callback([arguments] { serve(*arguments); });
}

// --- penumbra watch, penumbra ctl

struct ClientArguments {
  std::string where = kListen, run;
  monitor::Security security;
  double every = 1;
  bool once = false, json = false;
};

/// HOST:PORT itself, or what a run folder's monitor.json says.
std::string address_of(const std::string& where) {
  if (!std::filesystem::is_directory(where)) return where;
  std::ifstream file(RunFolder(where).monitor());
  const auto json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  try {
    return json.at(0).at("labels").at("__monitor").get<std::string>();
  } catch (const nlohmann::json::exception&) {
    throw ConfigError(
        fmt::format("{}.monitor.json is not there: the run has no monitor of its own, or does not run", where));
  }
}

void add_client_options(CLI::App& command, ClientArguments& arguments) {
  command.add_option("monitor", arguments.where, "HOST:PORT of a monitor, or the folder of a run that has its own")
      ->capture_default_str();
  command.add_option("--run", arguments.run, "of several");
  add_security(command, arguments.security);
  command.add_option("--ca", arguments.security.ca, "PEM file of who vouches for the monitor: TLS");
  command.add_flag("--insecure", arguments.security.insecure, "the token may travel in plain text");
}

std::string shown(const std::vector<monitor::RunView>& runs, bool json) {
  return json ? monitor::to_json(runs) : monitor::live_view(runs, monitor::unix_seconds());
}

void watch(const ClientArguments& arguments) {
  monitor::Client client(address_of(arguments.where), arguments.security);
  if (arguments.once) {
    fmt::print("{}", shown(client.list(arguments.run), arguments.json));
    return;
  }
  const char* clear = isatty(STDOUT_FILENO) == 1 ? "\x1b[H\x1b[2J" : "";
  client.watch(arguments.run, arguments.every, [&](const std::vector<monitor::RunView>& runs) {
    fmt::print("{}{}", clear, shown(runs, arguments.json));
    return std::fflush(stdout) == 0;
  });
}

void add_watch(CLI::App& app) {
  auto arguments = std::make_shared<ClientArguments>();
  CLI::App* command = app.add_subcommand("watch", "A live view of runs");
  add_client_options(*command, *arguments);
  command->add_option("--every", arguments->every, "seconds")->check(CLI::Range(0.2, 60.0))->capture_default_str();
  command->add_flag("--once", arguments->once, "show it once and end");
  command->add_flag("--json", arguments->json, "every value, for scripts");
  command->footer("Example: penumbra watch runs/a");
  command->callback([arguments] { watch(*arguments); });
}

/// The one run that is meant.
std::string run_of(monitor::Client& client, const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  const std::vector<monitor::RunView> runs = client.list("");
  if (runs.size() == 1) return runs.front().name;
  std::string names;
  for (const monitor::RunView& run : runs) names += (names.empty() ? "" : ", ") + run.name;
  throw ConfigError(runs.empty() ? "ctl: the monitor knows of no run"
                                 : fmt::format("ctl: which run? say --run with one of {}", names));
}

void order(const ClientArguments& arguments, monitor::Order order, const char* what) {
  monitor::Client client(address_of(arguments.where), arguments.security);
  const std::string run = run_of(client, arguments.run);
  fmt::print("{}: rank {} was asked to {}\n", run, client.order(run, order), what);
}

void add_ctl(CLI::App& app) {
  CLI::App* command = app.add_subcommand("ctl", "Ask runs how they are, for a checkpoint, or to stop");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, const std::function<void(const ClientArguments&)>& act) {
    auto arguments = std::make_shared<ClientArguments>();
    CLI::App* sub = command->add_subcommand(name, what);
    add_client_options(*sub, *arguments);
    sub->footer(fmt::format("Example: penumbra ctl {} runs/a", name));
    sub->callback([arguments, act] { act(*arguments); });
  };
  add("status", "the live view, once", [](const ClientArguments& arguments) {
    monitor::Client client(address_of(arguments.where), arguments.security);
    fmt::print("{}", shown(client.list(arguments.run), false));
  });
  add("checkpoint", "a checkpoint at the next step",
      [](const ClientArguments& arguments) { order(arguments, monitor::Order::checkpoint, "take a checkpoint"); });
  add("stop", "a checkpoint at the next step, then the end with exit code 75",
      [](const ClientArguments& arguments) { order(arguments, monitor::Order::stop, "stop"); });
}

}  // namespace

void add_monitor(CLI::App& app) {
  add_serve(app);
  add_watch(app);
  add_ctl(app);
}

}  // namespace penumbra::trainer
