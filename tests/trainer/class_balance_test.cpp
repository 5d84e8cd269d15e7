#include "trainer/objective/class_balance.h"

#include <cmath>
#include <vector>

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "tests/trainer/tensor_testing.h"
#include "trainer/objective/class_balance_options.h"
#include "trainer/objective/losses.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::largest_difference;
using penumbra::testing::normal;
using penumbra::testing::values;

const std::vector<std::int32_t> kFourToOne = {1, 1, 0, 1, 1};

ClassBalance of_four_to_one(const ClassBalanceOptions& options, std::int64_t classes = 2) {
  return class_balance(kFourToOne, classes, options);
}

TEST(ClassBalance, IsNothingUnlessAskedFor) {
  const ClassBalance balance = of_four_to_one({});
  EXPECT_FALSE(balance.weight.defined());
  EXPECT_FALSE(balance.shift.defined());
}

TEST(ClassBalance, OfInverseWeightsGivesEachClassAsMuchInAll) {
  const auto weight = of_four_to_one({.weights = ClassWeights::inverse}).weight;
  EXPECT_LT(largest_difference(weight, at::tensor({2.5, 0.625}, at::kDouble)), 1e-7);
}

// 1 and (1 - 2^-4) / (1 - 2^-1) = 1.875 effective faces: 1 and 8/15, times 5 / (1 + 4 * 8/15).
TEST(ClassBalance, OfTheEffectiveNumberOfFacesFollowsCui) {
  const auto weight = of_four_to_one({.weights = ClassWeights::effective, .beta = 0.5}).weight;
  EXPECT_LT(largest_difference(weight, at::tensor({75.0 / 47, 40.0 / 47}, at::kDouble)), 1e-6);
}

TEST(ClassBalance, OfTheEffectiveNumberGoesFromNoWeightsToInverseOnes) {
  const auto with = [](double beta) {
    return of_four_to_one({.weights = ClassWeights::effective, .beta = beta}).weight;
  };
  EXPECT_LT(largest_difference(with(0), at::tensor({1.0, 1.0}, at::kDouble)), 1e-7);
  EXPECT_LT(largest_difference(with(1 - 1e-7), at::tensor({2.5, 0.625}, at::kDouble)), 1e-5);
}

TEST(ClassBalance, HasWeightsOfMeanOneOverTheTrainingSetAlsoWhereAClassIsEmpty) {
  for (const auto weights : {ClassWeights::inverse, ClassWeights::effective}) {
    const auto weight = values(of_four_to_one({.weights = weights, .beta = 0.9}, 4).weight);
    double sum = 0;
    for (const std::int32_t label : kFourToOne) sum += weight[static_cast<std::size_t>(label)];
    EXPECT_NEAR(sum, 5, 1e-6);
    EXPECT_TRUE(std::isfinite(weight[2]));
  }
}

TEST(ClassBalance, ShiftsLogitsByTheLogarithmOfTheClassShares) {
  const auto shift = of_four_to_one({.logit_adjustment = 2}, 3).shift;
  const auto expected = at::tensor({2 * std::log(0.2), 2 * std::log(0.8), 2 * std::log(0.2)}, at::kDouble);
  EXPECT_LT(largest_difference(shift, expected), 1e-6);
}

// What the objective does with the weights: a target of mass w has w times the loss.
TEST(ClassBalance, WeighsHardLabelsAsPyTorchsWeightedCrossEntropy) {
  const auto logits = normal({5, 2}, 1);
  const auto target = at::tensor({1, 1, 0, 1, 1}, at::kLong);
  const auto weight = of_four_to_one({.weights = ClassWeights::inverse}).weight.to(at::kDouble);
  const auto weighted = weight.index_select(0, target).unsqueeze(1) * at::one_hot(target, 2);
  EXPECT_NEAR(soft_cross_entropy(logits, weighted).sum().item<double>(),
              at::cross_entropy_loss(logits, target, weight, at::Reduction::Sum).item<double>(), 1e-12);
}

}  // namespace
}  // namespace penumbra::trainer
