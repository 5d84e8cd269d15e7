#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/store/groups.h"
#include "data/store/image.h"
#include "data/store/images.h"

namespace penumbra::data {

/// What a store says of itself; the same for all of its splits.
struct StoreInfo {
  std::vector<std::string> classes;       ///< C names; a label is an index into them
  std::vector<std::string> vote_columns;  ///< V names, the C classes first (then e.g. "unknown", "NF"); empty: no votes
  int image_size = 0;                     ///< side of the square images, pixels
  int channels = 0;                       ///< 1 (grey) or 3 (RGB)
  std::string source;                     ///< where the faces come from, e.g. "synth seed=1"
  std::string label_rule;                 ///< how the hard label follows from the votes, e.g. "majority"
};

/// One split; its images may be in files still. Rows are aligned: image, label, votes, distribution, id, clean label
/// and groups of sample i.
struct SampleSet {
  StoreInfo info;
  Images pixels;                     ///< [N, S, S, channels], row-major
  std::vector<std::int32_t> labels;  ///< [N] in [0, C)
  std::vector<float> votes;          ///< [N, V], non-negative, each row sums > 0 over the C classes; empty: none
  std::vector<float> distribution;   ///< [N, C], the true emotion distribution (synthetic faces only); empty: unknown
  std::vector<std::string> ids;      ///< [N], names the source image
  std::vector<std::int32_t> clean_labels;  ///< [N] in [0, C), before label noise; empty: clean as far as known
  std::vector<GroupColumn> groups;         ///< what is known of the people, each of N codes; empty: nothing

  std::int64_t size() const { return static_cast<std::int64_t>(labels.size()); }
  std::int64_t classes() const { return static_cast<std::int64_t>(info.classes.size()); }
  std::size_t image_bytes() const {
    return static_cast<std::size_t>(info.image_size) * info.image_size * info.channels;
  }
  /// Of a set whose images are in memory.
  std::span<const std::uint8_t> image(std::int64_t i) const {
    return pixels.bytes().subspan(static_cast<std::size_t>(i) * image_bytes(), image_bytes());
  }
};

/// A row's image, from memory or from its file. Throws what Images::read throws.
Image image_of_row(const SampleSet& set, std::int64_t row);

/// XXH3-64 over class names, pixels, labels, votes and clean labels: two ranks that train on the same data agree on it.
/// Groups do not count: training does not depend on them.
std::uint64_t fingerprint(const SampleSet& set);

/// XXH3-64 over images.
std::uint64_t fingerprint(const Images& images);

/// XXH3-64 over the labels alone: what a matching depends on.
std::uint64_t label_fingerprint(std::span<const std::int32_t> labels);

}  // namespace penumbra::data
