#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "data/render/recipe.h"
#include "data/store/sample_set.h"

namespace penumbra::data {

/// (byte / 255 - mean) / deviation, per channel.
struct Normalisation {
  float mean = 0.5f, deviation = 0.25f;
};

/// The stored images that one view is made of, each [size, size, channels].
struct StoredPair {
  int size = 0, channels = 0;
  const std::uint8_t* source = nullptr;
  const std::uint8_t* partner = nullptr;  ///< the source's where nothing is mixed
};

/// Two rows of a set in memory. Throws DataError where it has no images of them.
StoredPair stored_pair(const SampleSet& set, std::int64_t source, std::int64_t partner);

/// Renders views, one after the other, in memory of its own. One thread at a time. Both throw DataError when the recipe
/// does not fit the images (cutmix box, erased rectangle, a map that leads far outside), and std::invalid_argument when
/// `out` has not view_size^2 * channels values.
class ViewRenderer {
 public:
  explicit ViewRenderer(Normalisation norm);
  ~ViewRenderer();
  ViewRenderer(const ViewRenderer&) = delete;
  ViewRenderer& operator=(const ViewRenderer&) = delete;

  /// A view as bytes, [view_size, view_size, channels]: mix in stored space, warp (bilinear, border replicated),
  /// contrast, brightness, saturation/grey, clamp and round half to even, erase.
  void render_bytes(const StoredPair& images, const Recipe& recipe, int view_size, std::span<std::uint8_t> out);
  /// The same view normalised to fp32 in one pass, channels-last (NHWC), which is what the nets read.
  void render_view(const StoredPair& images, const Recipe& recipe, int view_size, std::span<float> out);

  struct Scratch;

 private:
  Normalisation norm_;
  std::unique_ptr<Scratch> scratch_;
};

/// One view with a renderer of its own. Thread-safe.
void render_bytes(const StoredPair& images, const Recipe& recipe, int view_size, std::span<std::uint8_t> out);
void render_view(const StoredPair& images, const Recipe& recipe, int view_size, Normalisation norm,
                 std::span<float> out);

/// Normalises stored bytes: the way a stored ambiguous variant becomes a view; same bits as render_view of its recipe.
/// Both of one length, otherwise std::invalid_argument.
void normalise(std::span<const std::uint8_t> bytes, Normalisation norm, std::span<float> out);

}  // namespace penumbra::data
