#include "data/batch_renderer.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include <ATen/ops/empty.h>

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

bool has_boxes(const LoaderOptions& options, const EpochSource& source) {
  if (!source.variant) return options.strong.mix == Mix::cutmix;
  const auto& recipes = source.variant->recipes;
  return std::any_of(recipes.begin(), recipes.end(), [](const Recipe& r) { return r.mix == Mix::cutmix; });
}

/// Renders the rows of one batch, one after the other.
class Rows {
 public:
  Rows(const SampleSet& set, const LoaderOptions& options, const EpochSource& source, std::int64_t rows)
      : set_(set), options_(options), source_(source), size_(view_size_of(set, options)) {
    const int channels = set.info.channels;
    batch_.weak = empty_views(rows, channels, size_);
    batch_.weak_theta = at::empty({rows, 2, 3}, at::kFloat);
    batch_.sample = at::empty({rows}, at::kLong);
    batch_.lambda = at::empty({rows}, at::kFloat);
    if (!options.ambiguous) return;
    batch_.ambiguous = empty_views(rows, channels, size_);
    batch_.ambiguous_theta = at::empty({rows, 2, 3}, at::kFloat);
    if (has_boxes(options, source)) batch_.box = at::empty({rows, 4}, at::kFloat);
  }

  void render(std::int64_t row, std::int64_t sample, std::int64_t partner) {
    batch_.sample.data_ptr<std::int64_t>()[row] = sample;
    batch_.lambda.data_ptr<float>()[row] = 1;
    const Recipe weak = draw_weak(options_.weak, options_.seed, epoch(), sample);
    render_view(set_, weak, size_, options_.norm, view_of(batch_.weak, row));
    write_affine(batch_.weak_theta, row, weak.theta);
    if (options_.ambiguous) render_ambiguous(row, sample, partner);
  }

  Batch take() { return std::move(batch_); }

 private:
  std::uint32_t epoch() const { return static_cast<std::uint32_t>(source_.epoch); }

  void render_ambiguous(std::int64_t row, std::int64_t sample, std::int64_t partner) {
    const auto out = view_of(batch_.ambiguous, row);
    if (source_.variant) {
      const auto pixels =
          std::span(source_.variant->pixels).subspan(static_cast<std::size_t>(sample) * out.size(), out.size());
      normalise(pixels, options_.norm, out);
      describe(row, source_.variant->recipes[static_cast<std::size_t>(sample)]);
    } else {
      const Recipe recipe = draw_ambiguous(options_.strong, options_.seed, epoch(), sample, partner,
                                           set_.info.image_size, size_, set_.info.channels);
      render_view(set_, recipe, size_, options_.norm, out);
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
  int size_;
  Batch batch_;
};

}  // namespace

int view_size_of(const SampleSet& set, const LoaderOptions& options) {
  return options.view_size > 0 ? options.view_size : set.info.image_size;
}

Batch render_batch(const SampleSet& set, const LoaderOptions& options, const EpochSource& source, std::int64_t step,
                   Shard shard) {
  const auto pairs = source.plan.share(step, shard);
  Rows rows(set, options, source, 2 * static_cast<std::int64_t>(pairs.size()));
  std::int64_t row = 0;
  for (const Pair& pair : pairs) {
    rows.render(row++, pair.first, pair.second);
    rows.render(row++, pair.second, pair.first);
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
  for (std::int64_t row = begin; row < end; ++row) {
    Recipe recipe;
    recipe.source = recipe.partner = row;
    render_view(set, recipe, size, norm, view_of(views, row - begin));
  }
  return views;
}

}  // namespace penumbra::data
