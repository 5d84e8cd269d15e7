#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/import/image_file.h"
#include "data/store/sample_set.h"

namespace penumbra::data {

struct SynthOptions {
  std::int64_t train = 4096, val = 1024, test = 1024;
  int size = 48;          ///< pixels
  int channels = 1;
  std::uint64_t seed = 1;
};

/// Procedural faces of the eight FERPlus classes. Each has an identity (face shape, skin, hair, light, pose, noise), a latent
/// emotion *distribution* over the classes (a blend of one to three), an expression from facial action units blended accordingly, and ten
/// simulated annotators' votes drawn from the distribution; the hard label is the votes' arg max (lowest index on ties).
/// A pure function of (seed, split, index).
SampleSet synthesise(const SynthOptions& options, std::uint32_t split, std::int64_t count);

/// Writes a store with all three splits.
void write_synthetic(const SynthOptions& options, const std::filesystem::path& out);

/// Rows of pure classes, then blends: what docs/synthetic-faces.png shows. `columns` faces a row.
Image contact_sheet(const SampleSet& set, int columns);

}  // namespace penumbra::data
