#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/render/recipe.h"
#include "data/store/schema.h"

namespace penumbra::data {

/// Recipes as a store holds them: one column a field, rows aligned.
struct RecipeColumns {
  std::vector<std::int64_t> source, partner;
  std::vector<float> lambda;
  std::vector<std::uint8_t> mix;  ///< 0 none, 1 mixup, 2 cutmix
  std::vector<std::int32_t> box;  ///< [N, 4]: x0, y0, x1, y1
  std::vector<float> theta;       ///< [N, 2, 3]
  std::vector<float> contrast, brightness, saturation;
  std::vector<std::uint8_t> grey;   ///< 0 or 1
  std::vector<std::int32_t> erase;  ///< [N, 4]
  std::vector<std::uint32_t> erase_epoch;
  std::vector<std::uint64_t> seed;
  std::vector<std::uint32_t> occurrence;
};

/// Calls visit(name, column, shape of one row) for every column; reader and writer share this list.
template <typename Columns, typename Visit>
void for_each_column(Columns& columns, Visit visit) {
  visit("source", columns.source, Shape{});
  visit("partner", columns.partner, Shape{});
  visit("lambda", columns.lambda, Shape{});
  visit("mix", columns.mix, Shape{});
  visit("box", columns.box, Shape{4});
  visit("theta", columns.theta, Shape{2, 3});
  visit("contrast", columns.contrast, Shape{});
  visit("brightness", columns.brightness, Shape{});
  visit("saturation", columns.saturation, Shape{});
  visit("grey", columns.grey, Shape{});
  visit("erase", columns.erase, Shape{4});
  visit("erase_epoch", columns.erase_epoch, Shape{});
  visit("seed", columns.seed, Shape{});
  visit("occurrence", columns.occurrence, Shape{});
}

RecipeColumns to_columns(std::span<const Recipe> recipes);
/// The columns must have as many rows as `source`. Values are taken as they are: see check_variant.
std::vector<Recipe> to_recipes(const RecipeColumns& columns);

}  // namespace penumbra::data
