#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "comm/world.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/options.h"
#include "trainer/config.h"
#include "trainer/exit_code.h"
#include "trainer/launch/mpirun.h"
#include "trainer/launch/supervised.h"
#include "trainer/launch/variables.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kLongestPause = 60;  ///< seconds between two starts

struct LaunchOptions {
  LaunchArguments launch;
  std::vector<std::string> command;
};

struct Ended {
  int code = 0;
  double seconds = 0;
};

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> job(const LaunchOptions& arguments) {
  std::vector<std::string> words = {"mpirun"};
  for (const std::string& word : words_of(arguments.launch.mpirun)) words.push_back(word);
  for (const char* variable : {kLaunchId, kRestartCount})
    words.insert(words.end(), {"-x", variable});  // to ranks on other hosts
  words.insert(words.end(), {"-np", std::to_string(arguments.launch.ranks)});
  words.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  words.insert(words.end(), arguments.command.begin(), arguments.command.end());
  return words;
}

/// The user hears of it, since a plain mpirun needs the same.
void allow_root(Variables& variables) {
  std::string text;
  for (const auto& [name, value] : root_variables()) {
    text += fmt::format(" {}={}", name, value);
    variables.emplace_back(name, value);
  }
  if (!text.empty()) fmt::print(stderr, "penumbra launch: you are root, which mpirun refuses: sets{} for it\n", text);
}

/// The run that the command trains; none for a dry run, which keeps nothing. Throws what is wrong with its words.
std::optional<RunFolder> run_of(const std::vector<std::string>& command) {
  CLI::App app;
  TrainArguments arguments;
  add_train_options(app, arguments);
  std::vector<std::string> words(command.rbegin(), command.rend() - 1);  // without "train"; CLI11 wants the last first
  app.parse(words);
  const Config config = load_config(arguments.configs, arguments.sets);
  if (arguments.dry_run) return std::nullopt;
  return RunFolder(config.run_dir);
}

/// The exit code of the ranks. mpirun of Open MPI 5 ends with 0 when it loses a host: the run's folder knows better.
int code_of_ranks(int code, const std::optional<RunFolder>& run) {
  const bool is_unfinished = code == kDone && run && !run->finished();
  return is_unfinished ? static_cast<int>(kCommunication) : code;
}

/// 4 and signals: a rank, a host or the network was lost. The other codes would only come again.
bool may_help_to_restart(int code) {
  return code == kCommunication || (code > kStopped && code != Supervised::kNotFound);
}

std::string meaning(int code) {
  switch (code) {
    case kDone:
      return "done";
    case kFailure:
      return "failed";
    case kUsage:
      return "usage or configuration";
    case kData:
      return "data";
    case kCommunication:
      return "a rank, a host or the network was lost";
    case kStopped:
      return "stopped on request after a checkpoint";
    case Supervised::kNotFound:
      return "mpirun is not in PATH";
    default:
      return code > Supervised::kSignalled ? fmt::format("signal {}", code - Supervised::kSignalled) : "mpirun failed";
  }
}

void summarise(const std::vector<Ended>& starts) {
  fmt::print(stderr, "penumbra launch: {} starts\n", starts.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    fmt::print(stderr, "  {:>3}  {:>9.1f} s  {:>3}  {}\n", i, starts[i].seconds, starts[i].code,
               meaning(starts[i].code));
  }
}

int launch(const LaunchOptions& arguments) {
  if (arguments.command.empty() || arguments.command.front() != "train")
    throw ConfigError("launch: write what to run after --, e.g. -- train configs/demo.toml");
  const std::optional<RunFolder> run = run_of(arguments.command);
  const std::vector<std::string> words = job(arguments);
  Variables fixed = keepalive_variables();
  allow_root(fixed);
  Supervised supervised;
  const std::string id = fmt::format("{}-{}", getpid(), std::chrono::system_clock::now().time_since_epoch().count());
  std::vector<Ended> starts;
  for (double pause = 1;; pause = std::min(2 * pause, kLongestPause)) {
    const auto begin = Clock::now();
    Variables variables = fixed;
    variables.insert(variables.end(), {{kLaunchId, id}, {kRestartCount, std::to_string(starts.size())}});
    const int code = code_of_ranks(supervised.run(words, variables), run);
    starts.push_back({code, std::chrono::duration<double>(Clock::now() - begin).count()});
    const auto left = arguments.launch.restarts - (static_cast<int>(starts.size()) - 1);
    if (!may_help_to_restart(code) || supervised.asked_to_stop() || left <= 0) {
      if (starts.size() > 1 || may_help_to_restart(code) || code == Supervised::kNotFound) summarise(starts);
      // A wish to stop that came before the ranks could hear it ended them: nothing is lost by that.
      return supervised.asked_to_stop() && code == Supervised::kSignalled + SIGUSR1 ? static_cast<int>(kStopped) : code;
    }
    fmt::print(stderr, "penumbra launch: ended with {} ({}); again in {:.0f} s; restarts left: {}\n", code,
               meaning(code), pause, left - 1);
    supervised.pause(pause);
    if (supervised.asked_to_stop()) {
      summarise(starts);
      return kStopped;  // the same command goes on from where it was
    }
  }
}

}  // namespace

void add_launch(CLI::App& app) {
  auto arguments = std::make_shared<LaunchOptions>();
  CLI::App* command =
      app.add_subcommand("launch", "Runs train under mpirun, and again from its newest checkpoint when a rank is lost");
  add_launch_options(*command, arguments->launch);
  command->add_option("command", arguments->command, "after --: train and its arguments");
  command->footer(
      "SIGTERM, SIGINT or SIGUSR1 to it: the run takes a checkpoint and ends with 75.\n"
      "Example: penumbra launch -np 2 --restarts 5 -- train configs/demo.toml --set run.dir=runs/a");
  command->callback([arguments] {
    const int code = launch(*arguments);
    if (code != kDone) throw comm::PeerFailure(code);  // the ranks have said why
  });
}

}  // namespace penumbra::trainer
