#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "data/import/image_file.h"
#include "data/store/sample_set.h"
#include "data/synth/action_units.h"

namespace penumbra::data {

struct SynthOptions {
  std::int64_t train = 4096, val = 1024, test = 1024;
  int size = 48;     ///< pixels, 16 to 1024
  int channels = 1;  ///< 1 or 3
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: as many as the machine has; the faces do not depend on it
};

inline constexpr int kAnnotators = 10;

/// Weights of the classes; they sum to 1.
using EmotionDistribution = std::array<float, kEmotions>;

/// Procedural faces of the eight FERPlus classes. Each has an identity (face shape, skin, hair, light, pose, noise), a
/// latent emotion *distribution* over the classes (a blend of one to three), an expression of facial action units that
/// is blended with the same weights, and ten simulated annotators' votes drawn from the distribution; the hard label is
/// the votes' arg max (lowest index on ties). A pure function of (seed, split, index). Throws std::invalid_argument for
/// a size, channel count or count out of range.
SampleSet synthesise(const SynthOptions& options, std::uint32_t split, std::int64_t count);

/// Writes a store with the splits train (0), val (1) and test (2). Throws DataError.
void write_synthetic(const SynthOptions& options, const std::filesystem::path& out);

/// The share of faces whose hard label is the arg max of the true distribution: what a perfect observer would reach
/// on a set's labels. The set must have distributions.
double label_ceiling(const SampleSet& set);

/// What docs/synthetic-faces.png shows: eight rows of `columns` faces of one class each (rows in the order of the
/// classes), then four rows that walk from one class to another (happiness to surprise, anger to disgust, neutral to
/// sadness, fear to surprise), each with one identity. `zoom` pixels a pixel.
Image contact_sheet(const SynthOptions& options, int columns, int zoom);

}  // namespace penumbra::data
