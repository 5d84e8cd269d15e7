#include "data/store/recipe_columns.h"

#include <algorithm>

namespace penumbra::data {
namespace {

void append(std::vector<std::int32_t>& column, const Rectangle& box) {
  column.insert(column.end(), {box.x0, box.y0, box.x1, box.y1});
}

Rectangle rectangle(const std::vector<std::int32_t>& column, std::size_t row) {
  const std::int32_t* corner = column.data() + 4 * row;
  return {corner[0], corner[1], corner[2], corner[3]};
}

}  // namespace

RecipeColumns to_columns(std::span<const Recipe> recipes) {
  RecipeColumns columns;
  for (const Recipe& recipe : recipes) {
    columns.source.push_back(recipe.source);
    columns.partner.push_back(recipe.partner);
    columns.lambda.push_back(recipe.lambda);
    columns.mix.push_back(static_cast<std::uint8_t>(recipe.mix));
    append(columns.box, recipe.box);
    columns.theta.insert(columns.theta.end(), recipe.theta.m.begin(), recipe.theta.m.end());
    columns.contrast.push_back(recipe.contrast);
    columns.brightness.push_back(recipe.brightness);
    columns.saturation.push_back(recipe.saturation);
    columns.grey.push_back(recipe.grey ? 1 : 0);
    append(columns.erase, recipe.erase);
    columns.erase_epoch.push_back(recipe.erase_epoch);
    columns.seed.push_back(recipe.seed);
    columns.occurrence.push_back(recipe.occurrence);
  }
  return columns;
}

std::vector<Recipe> to_recipes(const RecipeColumns& columns) {
  std::vector<Recipe> recipes(columns.source.size());
  for (std::size_t row = 0; row < recipes.size(); ++row) {
    Recipe& recipe = recipes[row];
    recipe.source = columns.source[row];
    recipe.partner = columns.partner[row];
    recipe.lambda = columns.lambda[row];
    recipe.mix = static_cast<Mix>(columns.mix[row]);
    recipe.box = rectangle(columns.box, row);
    std::copy_n(columns.theta.begin() + static_cast<std::ptrdiff_t>(6 * row), 6, recipe.theta.m.begin());
    recipe.contrast = columns.contrast[row];
    recipe.brightness = columns.brightness[row];
    recipe.saturation = columns.saturation[row];
    recipe.grey = columns.grey[row] != 0;
    recipe.erase = rectangle(columns.erase, row);
    recipe.erase_epoch = columns.erase_epoch[row];
    recipe.seed = columns.seed[row];
    recipe.occurrence = columns.occurrence[row];
  }
  return recipes;
}

}  // namespace penumbra::data
