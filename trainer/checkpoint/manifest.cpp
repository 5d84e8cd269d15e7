#include "trainer/checkpoint/manifest.h"

#include <stdexcept>

#include <nlohmann/json.hpp>

namespace penumbra::data {
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FileStamp, bytes, checksum)
}  // namespace penumbra::data

namespace penumbra::trainer {
namespace {

constexpr int kVersion = 2;

/// Elsewhere the JSON library would cast a fraction to an integer without asking whether it fits.
bool has_misplaced_fraction(const nlohmann::json& manifest) {
  const nlohmann::json leaves = manifest.flatten();
  for (const auto& [name, value] : leaves.items()) {
    if (value.is_number_float() && name != "/best" && name != "/temperature") return true;
  }
  return false;
}

}  // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Position, epoch, step)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Manifest, incarnation, position, steps, interval_steps, average_updates, ranks,
                                   metrics_bytes, is_best, has_best, best, temperature, since_best, skipped_in_a_row,
                                   roll_backs, classes, channels, image_size, config, data, bitwise, bucket_bytes,
                                   threads, shards)

std::string to_json(const Manifest& manifest) {
  nlohmann::json json = manifest;
  json["format"] = "penumbra checkpoint";
  json["version"] = kVersion;
  return json.dump(1) + "\n";
}

Manifest manifest_from(const std::string& json) {
  try {
    const auto parsed = nlohmann::json::parse(json);
    if (parsed.at("format") != "penumbra checkpoint" || parsed.at("version") != kVersion)
      throw std::invalid_argument("its manifest is of another version");
    if (has_misplaced_fraction(parsed)) throw std::invalid_argument("its manifest is damaged");
    return parsed.get<Manifest>();
  } catch (const nlohmann::json::exception&) {
    throw std::invalid_argument("its manifest is damaged");
  }
}

}  // namespace penumbra::trainer
