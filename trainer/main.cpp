#include <cstdlib>
#include <string_view>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "trainer/commands/commands.h"
#include "trainer/exit_code.h"
#include "trainer/version.h"

namespace {

/// Under mpirun every rank parses the same words: only one should complain about them.
bool speaks_for_the_job() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"}) {
    if (const char* rank = std::getenv(name)) return std::string_view(rank) == "0";
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace penumbra::trainer;
  spdlog::set_default_logger(spdlog::stdout_logger_mt("penumbra"));
  spdlog::set_pattern("%H:%M:%S  %v");

  CLI::App app{"Trains two coupled sub-nets for facial emotion recognition and says how uncertain each face is."};
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  add_train(app);
  add_eval(app);
  add_compare(app);
  add_report(app);
  add_predict(app);
  add_checkpoint(app);
  add_data(app);
  add_config(app);
  add_doctor(app);
  add_bench(app);
  add_plan(app);
  add_launch(app);
  add_sweep(app);
  add_monitor(app);
  add_commands(app);
  for (char** word = argv; *word != nullptr && std::string_view(*word) != "--"; ++word) {
    if (std::string_view(*word) == "-np") *word = const_cast<char*>("--np");  // as mpirun has it
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    if (speaks_for_the_job()) fmt::print(stderr, "penumbra: error: {} (see --help)\n", error.what());
    return kUsage;
  } catch (...) {
    report_error(std::current_exception());
    return exit_code_of(std::current_exception());
  }
  return kDone;
}
