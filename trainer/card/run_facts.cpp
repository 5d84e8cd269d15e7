#include "trainer/card/run_facts.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "trainer/checkpoint/checkpoint_folder.h"

namespace penumbra::trainer {
namespace {

/// The last validation at the end of an epoch; null where there was none.
nlohmann::json validation_after(const std::filesystem::path& metrics, std::int64_t epoch) {
  nlohmann::json found;
  std::ifstream file(metrics);
  for (std::string line; std::getline(file, line);) {
    nlohmann::json row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (row.is_object() && row.value("kind", "") == "validation" && row.value("epoch", std::int64_t{-1}) == epoch)
      found = std::move(row);
  }
  return found;
}

}  // namespace

RunFacts facts_of(const RunFolder& folder, const TrainedModel& model) {
  RunFacts facts{folder.facts("environment"), folder.facts("data"), folder.facts("pretrained"), nullptr,
                 CheckpointFolder(folder.path()).incarnations()};
  if (model.epoch) facts.validation = validation_after(folder.metrics(), *model.epoch);
  return facts;
}

}  // namespace penumbra::trainer
