#include "data/batch_renderer.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>

#include "data/loader_options.h"

namespace penumbra::data {
namespace {

at::Tensor empty_views(std::int64_t rows, int channels, int size) {
  return at::empty({rows, channels, size, size}, at::TensorOptions(at::kFloat), at::MemoryFormat::ChannelsLast);
}

std::span<float> view_of(at::Tensor& views, std::int64_t row) {
  const auto values = static_cast<std::size_t>(views.size(1) * views.size(2) * views.size(3));
  return {views.data_ptr<float>() + static_cast<std::size_t>(row) * values, values};
}

void write_affine(at::Tensor& thetas, std::int64_t row, const Affine& theta) {
  std::copy(theta.m.begin(), theta.m.end(), thetas.data_ptr<float>() + 6 * row);
}

/// Pixel edges to [-1, 1]. An unmixed row has an empty box.
void write_box(at::Tensor& boxes, std::int64_t row, const Rectangle& box, int stored_size) {
  const int edges[4] = {box.x0, box.y0, box.x1, box.y1};
  std::transform(edges, edges + 4, boxes.data_ptr<float>() + 4 * row,
                 [&](int edge) { return static_cast<float>(2.0 * edge / stored_size - 1); });
}

std::vector<std::int64_t> samples_of(std::span<const Pair> pairs) {
  std::vector<std::int64_t> samples;
  for (const Pair& pair : pairs) samples.insert(samples.end(), {pair.first, pair.second});
  return samples;
}

/// The stored images of a rank's share of a step.
class ShareImages {
 public:
  ShareImages(const SampleSet& set, const EpochSource& source, std::int64_t step, std::span<const std::int64_t> samples)
      : set_(set) {
    if (source.stream == nullptr) {
      picked_.emplace(set.pixels, samples, set.image_bytes());
      return;
    }
    streamed_ = source.stream->images_of(source.plan, step);
    if (!streamed_) throw std::runtime_error("the epoch was left while its batch was rendered");
  }

  /// Of a row of the batch and of its partner.
  StoredPair pair(std::int64_t row) const {
    return {set_.info.image_size, set_.info.channels, image(row), image(row ^ 1)};
  }

 private:
  const std::uint8_t* image(std::int64_t row) const {
    const auto i = static_cast<std::size_t>(row);
    return picked_ ? (*picked_)[i] : streamed_.get() + i * set_.image_bytes();
  }

  const SampleSet& set_;
  std::optional<PickedImages> picked_;
  std::shared_ptr<const std::uint8_t> streamed_;
};

/// Renders the rows of one batch, one after the other.
class Rows {
 public:
  Rows(const SampleSet& set, const LoaderOptions& options, const EpochSource& source, std::int64_t step,
       std::span<const std::int64_t> samples, ViewBuffers& buffers)
      : set_(set),
        options_(options),
        source_(source),
        images_(set, source, step, samples),
        renderer_(options.norm),
        size_(view_size_of(set, options)) {
    const int channels = set.info.channels;
    const auto rows = static_cast<std::int64_t>(samples.size());
    if (source.variant != nullptr)
      variant_.emplace(source.variant->pixels, samples, source.variant->image_bytes(channels));
    batch_.weak = buffers.take(rows, channels, size_);
    batch_.weak_theta = at::empty({rows, 2, 3}, at::kFloat);
    batch_.sample = at::empty({rows}, at::kLong);
    batch_.lambda = at::empty({rows}, at::kFloat);
    if (!options.ambiguous) return;
    batch_.ambiguous = buffers.take(rows, channels, size_);
    batch_.ambiguous_theta = at::empty({rows, 2, 3}, at::kFloat);
    if (source.has_boxes) batch_.box = at::empty({rows, 4}, at::kFloat);
  }

  void render(std::int64_t row, Occurrence of, std::int64_t partner) {
    const std::int64_t sample = of.row;
    batch_.sample.data_ptr<std::int64_t>()[row] = sample;
    batch_.lambda.data_ptr<float>()[row] = 1;
    const Recipe weak = draw_weak(options_.weak, options_.seed, epoch(), sample, of.number);
    const StoredPair images = images_.pair(row);
    renderer_.render_view(images, weak, size_, view_of(batch_.weak, row));
    write_affine(batch_.weak_theta, row, weak.theta);
    if (options_.ambiguous) render_ambiguous(images, row, of, partner);
  }

  Batch take() { return std::move(batch_); }

 private:
  std::uint32_t epoch() const { return static_cast<std::uint32_t>(source_.epoch); }

  void render_ambiguous(const StoredPair& images, std::int64_t row, Occurrence of, std::int64_t partner) {
    const std::int64_t sample = of.row;
    const auto out = view_of(batch_.ambiguous, row);
    if (variant_) {
      normalise({(*variant_)[static_cast<std::size_t>(row)], out.size()}, options_.norm, out);
      describe(row, source_.variant->recipes[static_cast<std::size_t>(sample)]);
    } else {
      const Recipe recipe = draw_ambiguous(options_.strong, options_.seed, epoch(), sample, partner,
                                           set_.info.image_size, size_, set_.info.channels, of.number);
      renderer_.render_view(images, recipe, size_, out);
      describe(row, recipe);
    }
  }

  void describe(std::int64_t row, const Recipe& recipe) {
    batch_.lambda.data_ptr<float>()[row] = recipe.lambda;
    write_affine(batch_.ambiguous_theta, row, recipe.theta);
    if (batch_.box.defined()) write_box(batch_.box, row, recipe.box, set_.info.image_size);
  }

  const SampleSet& set_;
  const LoaderOptions& options_;
  const EpochSource& source_;
  const ShareImages images_;
  std::optional<PickedImages> variant_;  ///< the stored views of the batch's rows
  ViewRenderer renderer_;
  int size_;
  Batch batch_;
};

}  // namespace

int view_size_of(const SampleSet& set, const LoaderOptions& options) {
  return options.view_size > 0 ? options.view_size : set.info.image_size;
}

Batch render_batch(const SampleSet& set, const LoaderOptions& options, const EpochSource& source, std::int64_t step,
                   Shard shard, ViewBuffers& buffers) {
  const auto pairs = source.plan.share(step, shard);
  Rows rows(set, options, source, step, samples_of(pairs), buffers);
  std::int64_t row = 0;
  for (const Pair& pair : pairs) {
    rows.render(row++, {pair.first, pair.first_occurrence}, pair.second);
    rows.render(row++, {pair.second, pair.second_occurrence}, pair.first);
  }
  Batch batch = rows.take();
  batch.epoch = source.epoch;
  batch.step = step;
  batch.global_size = 2 * static_cast<std::int64_t>(source.plan.batch(step).size());
  return batch;
}

at::Tensor plain_views(const SampleSet& set, std::int64_t begin, std::int64_t end, int view_size, Normalisation norm) {
  if (begin < 0 || begin > end || end > set.size()) {
    throw std::out_of_range("rows " + std::to_string(begin) + " to " + std::to_string(end) + " of a set of " +
                            std::to_string(set.size()));
  }
  const int size = view_size > 0 ? view_size : set.info.image_size;
  auto views = empty_views(end - begin, set.info.channels, size);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(end - begin) * set.image_bytes());
  set.pixels.read(begin, end - begin, set.image_bytes(), bytes.data());
  ViewRenderer renderer(norm);
  for (std::int64_t row = 0; row < end - begin; ++row) {
    const std::uint8_t* image = bytes.data() + static_cast<std::size_t>(row) * set.image_bytes();
    renderer.render_view({set.info.image_size, set.info.channels, image, image}, {}, size, view_of(views, row));
  }
  return views;
}

}  // namespace penumbra::data
