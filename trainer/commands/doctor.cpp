#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/statvfs.h>

#include "comm/world.h"
#include "trainer/commands/commands.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {
namespace {

double free_gib(const char* path) {
  struct statvfs fs {};
  if (statvfs(path, &fs) != 0) return 0;
  return static_cast<double>(fs.f_bavail) * static_cast<double>(fs.f_frsize) / (1 << 30);
}

void run_doctor() {
  const comm::World world;
  const nlohmann::json machine = environment();
  for (const auto& [key, value] : machine.items()) {
    fmt::print("{:<12} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  fmt::print("{:<12} {}\n", "mpi", world.library());
  fmt::print("{:<12} {} of this process\n", "usable cores", world.cores());
  fmt::print("{:<12} none: this build trains on the CPU\n", "gpu");
  fmt::print("{:<12} {:.1f} GiB free here, {:.1f} GiB in /dev/shm\n", "disk", free_gib("."), free_gib("/dev/shm"));
}

}  // namespace

void add_doctor(CLI::App& app) {
  CLI::App* command = app.add_subcommand("doctor", "What this machine and build have");
  command->footer("Example: penumbra doctor");
  command->callback(run_doctor);
}

}  // namespace penumbra::trainer
