#include <memory>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "comm/world.h"
#include "trainer/commands/commands.h"
#include "trainer/commands/measured_method.h"
#include "trainer/commands/options.h"
#include "trainer/commands/report_builder.h"
#include "trainer/exit_code.h"
#include "trainer/report/page.h"
#include "trainer/report/report_file.h"

namespace penumbra::trainer {
namespace {

constexpr int kMostFaces = 1000;

struct ReportArguments {
  std::vector<std::string> runs;
  ModelArguments model;
  SplitArguments split;
  ReportOptions options;
  std::string out;
  bool no_faces = false;
};

void run_report(const ReportArguments& arguments) {
  comm::World world;
  std::optional<ReportFile> file;
  const auto claim = [&] {
    if (world.rank() == 0) file.emplace(arguments.out);
  };
  world.all_or_none(claim, exit_code_of);
  MethodMeasurer measurer(arguments.model, arguments.split, world);
  ReportBuilder builder(arguments.split, arguments.options);
  for (const std::string& name : arguments.runs) {
    EvaluatedRun run = measurer.load(name);
    const std::vector<float> posterior = posterior_of(run, world);
    if (world.rank() == 0) run_or_abort(world, [&] { builder.add(name, run, posterior); });
  }
  if (world.rank() != 0) return;
  run_or_abort(world, [&] {
    file->commit(page(std::move(builder).finish(world.cores())));
    fmt::print("{}\n", arguments.out);
  });
}

}  // namespace

void add_report(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = app.add_subcommand("report", "One HTML file about a run, or several side by side");
  command->add_option("runs", arguments->runs, "run folders; the first one's method is what others are compared with")
      ->required();
  add_weights_options(*command, arguments->model);
  add_split_options(*command, arguments->split);
  add_resamples_option(*command, arguments->options.resamples, 1);
  command->add_option("-o,--out", arguments->out, "the file, which is overwritten")
      ->default_str("report.html")
      ->default_val("report.html");
  command->add_option("--gallery", arguments->options.gallery, "faces in each gallery")
      ->check(CLI::Range(1, kMostFaces))
      ->capture_default_str();
  command->add_flag("--no-faces", arguments->no_faces,
                    "no pixel of a face, and no attention over one: for sets that may not be shown");
  command->footer("Example: penumbra report runs/full-1 runs/full-2 runs/ce-1 --data faces.h5 -o report.html");
  command->callback([arguments] {
    arguments->options.shows_faces = !arguments->no_faces;
    run_report(*arguments);
  });
}

}  // namespace penumbra::trainer
