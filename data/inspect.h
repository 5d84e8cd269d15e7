#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "data/store/sample_set.h"

namespace penumbra::data {

/// What a store holds:
///   {"file", "version", "classes", "vote_columns", "image_size", "channels", "source", "label_rule",
///    "variants": number stored, "splits": {name: {"count", "class_counts": {class: number},
///      "votes": null or, of the votes over the classes, {"agreement": mean share of a sample's votes that are on its
///        label, "mean_entropy": nats, "unanimous": share of the samples with all these votes on one class, "majority":
///        share with more than half of them on one class, "classes": {class: the first four again, of the samples with
///        this label, or null where there are none}},
///      "distribution": are true distributions stored, "label_noise": null or the share of the samples whose label is
///      not the clean one, "groups": {column: {"values": number of those that a face has, "faces": [[value, faces],
///      ...] of these in the store's order, or null where there are more than 20, "unknown": faces}}, "fingerprint": 16
///      hex digits}}}
/// Reads every split. Throws DataError.
nlohmann::json inspect(const std::filesystem::path& file);

/// The same of one set, but its fingerprint: it takes no look at images.
nlohmann::json inspect(const SampleSet& set);

/// Reads every split and checks it (shapes, ranges, votes, alignment) and that no id is in two splits. Throws DataError
/// for the first thing wrong; otherwise returns one line a check. Variants: verify_variants (data/render/variants.h).
std::vector<std::string> verify(const std::filesystem::path& file);

}  // namespace penumbra::data
