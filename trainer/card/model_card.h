#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "trainer/card/run_facts.h"

namespace penumbra::trainer {

/// What a card is about.
struct CardSubject {
  std::string name;                         ///< of the model
  std::string net;                          ///< "original" or "ambiguous"
  std::filesystem::path file;               ///< the exported weights, which are there
  std::vector<nlohmann::json> evaluations;  ///< of this net, as `penumbra eval --json` prints them
};

/// A model card in Hugging Face's form (https://huggingface.co/docs/hub/model-cards): YAML, then Markdown. It says what
/// config and facts say, and that the rest is not known. Throws nlohmann::json::exception where a fact is of another
/// type, data::DataError where the weights cannot be read.
std::string model_card(const CardSubject& subject, TrainedModel& model, const RunFacts& facts);

}  // namespace penumbra::trainer
