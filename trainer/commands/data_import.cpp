#include <functional>
#include <map>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "data/import/affectnet.h"
#include "data/import/fer2013.h"
#include "data/import/ferplus.h"
#include "data/import/folder.h"
#include "data/import/rafdb.h"
#include "trainer/commands/commands.h"
#include "trainer/loop/progress.h"

namespace penumbra::trainer {
namespace {

struct DataImportArguments {
  data::AffectnetOptions affectnet;
  data::FolderOptions folder;
  data::RafdbOptions rafdb;
  data::ImportOptions common;
  std::string from, to, rule = "majority";
};
using Shared = std::shared_ptr<DataImportArguments>;

void print_report(const data::ImportReport& report, const std::string& out) {
  for (const std::string& note : report.notes) fmt::print("{}\n", note);
  for (const auto& split : report.splits) {
    fmt::print("{}: {} faces, {} dropped by the label rule, {} corrupt\n", split.name, split.kept,
               split.dropped_by_rule, split.bad_images);
  }
  fmt::print("wrote {}\n", out);
}

/// Imports with a bar a split on stderr, which is gone before anything else is said.
void import_with_bar(const Shared& a, const std::function<data::ImportReport(const data::ImportOptions&)>& import) {
  std::optional<ProgressBar> bar;
  data::ImportOptions options = a->common;
  options.progress = [&bar](std::int64_t done, std::int64_t total) {
    if (done == 0) bar.emplace(stderr, total);
    bar->show(done);
    if (done == total) bar.reset();
  };
  print_report(import(options), a->to);
}

void add_out(CLI::App& command, const Shared& a) { command.add_option("out", a->to, "HDF5 file to write")->required(); }

void add_folder_and_out(CLI::App& command, const Shared& a) {
  command.add_option("dir", a->from, "folder to read")->required();
  add_out(command, a);
  command.add_flag("--skip-bad", a->common.skip_bad, "name, count and leave out corrupt images");
}

void add_storing(CLI::App& command, const Shared& a) {
  const std::map<std::string, data::Storing> names = {{"raw", data::Storing::raw}, {"jpeg", data::Storing::jpeg}};
  command.add_option("--store", a->common.storing, "raw, or jpeg: less room, decoded when it is read")
      ->transform(CLI::CheckedTransformer(names));
}

void add_ferplus(CLI::App& import, const Shared& a) {
  CLI::App* command = import.add_subcommand("ferplus", "fer2013new.csv with FER2013{Train,Valid,Test}/ or fer2013.csv");
  add_folder_and_out(*command, a);
  command->add_option("--labels", a->rule, "rule of the hard label")
      ->check(CLI::IsMember({"argmax", "majority"}))
      ->capture_default_str();
  command->footer("Example: penumbra data import ferplus ferplus/ ferplus.h5 --labels majority");
  command->callback([a] {
    const auto rule = a->rule == "argmax" ? data::LabelRule::argmax : data::LabelRule::majority;
    import_with_bar(
        a, [&](const data::ImportOptions& options) { return data::import_ferplus(a->from, a->to, rule, options); });
  });
}

void add_fer2013(CLI::App& import, const Shared& a) {
  CLI::App* command = import.add_subcommand("fer2013", "fer2013.csv (emotion,pixels,Usage) with its own labels");
  command->add_option("from", a->from, "fer2013.csv, or the folder that holds it")->required();
  add_out(*command, a);
  command->footer("Example: penumbra data import fer2013 fer2013.csv fer2013.h5");
  command->callback([a] { print_report(data::import_fer2013(a->from, a->to), a->to); });
}

void add_rafdb(CLI::App& import, const Shared& a) {
  CLI::App* command =
      import.add_subcommand("rafdb", "EmoLabel/list_patition_label.txt with Image/aligned/*_aligned.jpg");
  add_folder_and_out(*command, a);
  add_storing(*command, a);
  command->add_option("--size", a->rafdb.size, "side in pixels to resize to; 0: 100, as they are")
      ->check(CLI::Range(0, 1024));
  command->add_option("--channels", a->rafdb.channels, "1 grey, 3 RGB")
      ->check(CLI::IsMember({1, 3}))
      ->capture_default_str();
  command->footer("Example: penumbra data import rafdb rafdb/basic/ rafdb.h5");
  command->callback([a] {
    import_with_bar(a, [&](const data::ImportOptions& options) {
      a->rafdb.common = options;
      return data::import_rafdb(a->from, a->to, a->rafdb);
    });
  });
}

void add_affectnet(CLI::App& import, const Shared& a) {
  CLI::App* command = import.add_subcommand(
      "affectnet",
      "{training,validation}.csv with Manually_Annotated_Images/, or {train,val}_set/{images,annotations}/");
  add_folder_and_out(*command, a);
  add_storing(*command, a);
  command->add_option("--classes", a->affectnet.classes, "8, or 7: without contempt")
      ->check(CLI::IsMember({7, 8}))
      ->capture_default_str();
  command->add_option("--size", a->affectnet.size, "side in pixels to resize the faces to")
      ->check(CLI::Range(24, 1024))
      ->capture_default_str();
  command->add_option("--channels", a->affectnet.channels, "1 grey, 3 RGB")
      ->check(CLI::IsMember({1, 3}))
      ->capture_default_str();
  command->footer("Example: penumbra data import affectnet affectnet/ affectnet.h5 --classes 7");
  command->callback([a] {
    import_with_bar(a, [&](const data::ImportOptions& options) {
      a->affectnet.common = options;
      return data::import_affectnet(a->from, a->to, a->affectnet);
    });
  });
}

void add_folder(CLI::App& import, const Shared& a) {
  CLI::App* command = import.add_subcommand("folder", "{train,val,test}/{class}/*.{png,jpg,jpeg}");
  add_folder_and_out(*command, a);
  add_storing(*command, a);
  command->add_option("--size", a->folder.size, "side in pixels to resize to; 0: as they are")
      ->check(CLI::Range(0, 1024));
  command->add_option("--channels", a->folder.channels, "1 grey, 3 RGB, 0: as the first image")
      ->check(CLI::IsMember({0, 1, 3}));
  command->footer("Example: penumbra data import folder sfew/ sfew.h5 --size 100");
  command->callback([a] {
    import_with_bar(a, [&](const data::ImportOptions& options) {
      a->folder.common = options;
      return data::import_folder(a->from, a->to, a->folder);
    });
  });
}

}  // namespace

void add_import(CLI::App& data) {
  auto arguments = std::make_shared<DataImportArguments>();
  CLI::App* import = data.add_subcommand("import", "Write a store from a data set's own files");
  import->require_subcommand(1);
  add_ferplus(*import, arguments);
  add_fer2013(*import, arguments);
  add_rafdb(*import, arguments);
  add_affectnet(*import, arguments);
  add_folder(*import, arguments);
}

}  // namespace penumbra::trainer
