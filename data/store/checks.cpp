#include "data/store/checks.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <string_view>

#include "data/error.h"

namespace penumbra::data {
namespace {

constexpr int kLargestSide = 4096;
// Distributions are float32 sums of a few classes.
constexpr double kSumTolerance = 1e-3;
constexpr float kLeastLambda = 0.5f, kMostLambda = 1 - 1e-4f;
constexpr float kLambdaTolerance = 1e-6f;

void require(bool holds, const std::string& where, std::string_view what) {
  if (!holds) fail(where, std::string(what));
}

std::string row_of(std::int64_t row) { return "row " + std::to_string(row); }

void check_rows(std::size_t found, std::size_t expected, const std::string& what, const std::string& where) {
  if (found != expected) fail(where, std::to_string(found) + " " + what + ", expected " + std::to_string(expected));
}

/// Finite and not negative; returns the sum of the first `counted` values of the row.
double sum_of(std::span<const float> row, std::size_t counted, const char* what, std::int64_t index,
              const std::string& where) {
  double sum = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!std::isfinite(row[i]) || row[i] < 0)
      fail(where, "the " + std::string(what) + " of " + row_of(index) + " are negative or not finite numbers");
    if (i < counted) sum += row[i];
  }
  return sum;
}

void check_labels(std::span<const std::int32_t> labels, std::int64_t classes, const std::string& what,
                  const std::string& where) {
  for (std::size_t row = 0; row < labels.size(); ++row) {
    if (labels[row] < 0 || labels[row] >= classes) {
      fail(where, "the " + what + " of " + row_of(static_cast<std::int64_t>(row)) + " is " +
                      std::to_string(labels[row]) + ", allowed are 0 to " + std::to_string(classes - 1));
    }
  }
}

void check_votes(const SampleSet& set, const std::string& where) {
  const std::size_t columns = set.info.vote_columns.size(), classes = set.info.classes.size();
  check_rows(set.votes.size(), columns * set.labels.size(), "votes", where);
  if (columns == 0) return;
  for (std::int64_t row = 0; row < set.size(); ++row) {
    const auto votes = std::span(set.votes).subspan(static_cast<std::size_t>(row) * columns, columns);
    if (!(sum_of(votes, classes, "votes", row, where) > 0))
      fail(where, "the votes of " + row_of(row) + " sum to 0 over the classes; leave such samples out");
  }
}

void check_distribution(const SampleSet& set, const std::string& where) {
  if (set.distribution.empty()) return;
  const std::size_t classes = set.info.classes.size();
  check_rows(set.distribution.size(), classes * set.labels.size(), "values of the distribution", where);
  for (std::int64_t row = 0; row < set.size(); ++row) {
    const auto values = std::span(set.distribution).subspan(static_cast<std::size_t>(row) * classes, classes);
    const double sum = sum_of(values, classes, "distribution values", row, where);
    if (std::abs(sum - 1) >= kSumTolerance)
      fail(where, "the distribution of " + row_of(row) + " sums to " + std::to_string(sum) + ", not 1");
  }
}

bool within(const Rectangle& box, int side) {
  return box.x0 >= 0 && box.y0 >= 0 && box.x1 >= box.x0 && box.y1 >= box.y0 && box.x1 <= side && box.y1 <= side;
}

double area_share(const Rectangle& box, int side) {
  return static_cast<double>(box.x1 - box.x0) * (box.y1 - box.y0) / (static_cast<double>(side) * side);
}

void check_mix(const Recipe& recipe, int side, const std::string& where) {
  require(recipe.mix <= Mix::cutmix, where, "mix is none of 0 (none), 1 (mixup), 2 (cutmix)");
  if (recipe.mix == Mix::none) {
    require(recipe.lambda == 1, where, "lambda must be 1 where nothing is mixed");
  } else {
    require(recipe.lambda >= kLeastLambda - kLambdaTolerance && recipe.lambda <= kMostLambda + kLambdaTolerance, where,
            "lambda must lie between 0.5 and 0.9999 where something is mixed");
  }
  require(within(recipe.box, side), where, "the cutmix box leaves the image");
  if (recipe.mix == Mix::cutmix) {
    require(std::abs(1 - area_share(recipe.box, side) - recipe.lambda) < 1e-5, where,
            "lambda is not the share of the image outside the cutmix box");
  }
}

void check_colour(const Recipe& recipe, const std::string& where) {
  require(std::isfinite(recipe.contrast) && recipe.contrast >= 0, where, "contrast must be a number >= 0");
  require(std::isfinite(recipe.brightness) && std::abs(recipe.brightness) <= 1, where,
          "brightness must lie between -1 and 1");
  require(std::isfinite(recipe.saturation) && recipe.saturation >= 0, where, "saturation must be a number >= 0");
}

void check_recipe(const Recipe& recipe, std::int64_t row, std::int64_t rows, const StoreInfo& info, int view_size,
                  const std::string& where) {
  require(recipe.source == row, where, "source must equal the row");
  require(recipe.partner >= 0 && recipe.partner < rows, where, "partner is no row of the training set");
  check_mix(recipe, info.image_size, where);
  const auto& m = recipe.theta.m;
  require(std::all_of(m.begin(), m.end(), [](float value) { return std::isfinite(value); }) &&
              std::abs(m[0] * m[4] - m[1] * m[3]) > 1e-6f,
          where, "theta is not an invertible map");
  check_colour(recipe, where);
  require(within(recipe.erase, view_size), where, "the erased rectangle leaves the view");
}

}  // namespace

void check_info(const StoreInfo& info, const std::string& where) {
  require(info.classes.size() >= 2, where, "a store needs at least two classes");
  const std::set<std::string> names(info.classes.begin(), info.classes.end());
  require(names.size() == info.classes.size() && names.count("") == 0, where,
          "class names must differ and not be empty");
  require(info.image_size >= 1 && info.image_size <= kLargestSide, where,
          "image_size is " + std::to_string(info.image_size) + ", allowed are 1 to " + std::to_string(kLargestSide));
  require(info.channels == 1 || info.channels == 3, where,
          "channels is " + std::to_string(info.channels) + ", allowed are 1 (grey) and 3 (RGB)");
  require(
      info.vote_columns.empty() || (info.vote_columns.size() >= info.classes.size() &&
                                    std::equal(info.classes.begin(), info.classes.end(), info.vote_columns.begin())),
      where, "vote_columns must begin with the classes");
}

void check_samples(const SampleSet& set, const std::string& where) {
  require(set.size() > 0, where, "has no samples");
  check_rows(set.pixels.size(), set.labels.size() * set.image_bytes(), "bytes of pixels", where);
  check_rows(set.ids.size(), set.labels.size(), "ids", where);
  check_labels(set.labels, set.classes(), "label", where);
  if (!set.clean_labels.empty()) check_rows(set.clean_labels.size(), set.labels.size(), "clean labels", where);
  check_labels(set.clean_labels, set.classes(), "clean label", where);
  check_votes(set, where);
  check_distribution(set, where);
  check_groups(set.groups, set.labels.size(), where);
}

void check_variant(const StoredVariant& variant, const StoreInfo& info, std::int64_t rows, const std::string& where) {
  check_rows(variant.recipes.size(), static_cast<std::size_t>(rows), "recipes", where);
  require(variant.view_size >= 1 && variant.view_size <= kLargestSide, where,
          "the images are no squares of 1 to 4096 pixels");
  require(variant.epoch >= 0, where, "the epoch is negative");
  for (std::int64_t row = 0; row < rows; ++row) {
    check_recipe(variant.recipes[static_cast<std::size_t>(row)], row, rows, info, variant.view_size,
                 where + ": recipe of " + row_of(row));
  }
}

}  // namespace penumbra::data
