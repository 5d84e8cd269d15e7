#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "tests/trainer/tensor_testing.h"
#include "trainer/loop/step.h"
#include "trainer/loop/training_options.h"
#include "trainer/objective/losses.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::largest_difference;
using penumbra::testing::normal;

data::SampleSet four_faces() {
  data::SampleSet set;
  set.info.classes = set.info.vote_columns = {"a", "b", "c"};
  set.labels = {2, 0, 0, 1};
  set.votes = {0, 0, 4, 6, 3, 1, 5, 0, 5, 1, 8, 1};
  return set;
}

TEST(TrainingLabels, AreOneHotOrTheVotesUnlessTheyAreSmoothed) {
  const auto one_hot = at::tensor({0., 0., 1., 1., 0., 0., 1., 0., 0., 0., 1., 0.}, at::kFloat).reshape({4, 3});
  EXPECT_TRUE(training_labels(four_faces(), Labels::hard).equal(one_hot));
  const auto votes = at::tensor({0., 0., 1., .6, .3, .1, .5, 0., .5, .1, .8, .1}, at::kFloat).reshape({4, 3});
  EXPECT_LT(largest_difference(training_labels(four_faces(), Labels::votes), votes), 1e-7);
}

TEST(TrainingLabels, GiveTheSmoothedShareToAllClassesAlike) {
  const auto smoothed = training_labels(four_faces(), Labels::votes, 0.3);
  const auto expected = at::tensor({.1, .1, .8, .52, .31, .17, .45, .1, .45, .17, .66, .17}, at::kFloat);
  EXPECT_LT(largest_difference(smoothed, expected.reshape({4, 3})), 1e-7);
}

TEST(TrainingLabels, SmoothedTrainLikePyTorchsSmoothedCrossEntropy) {
  const auto set = four_faces();
  const auto logits = normal({4, 3}, 1);
  const auto target = at::tensor({2, 0, 0, 1}, at::kLong);
  const auto loss = soft_cross_entropy(logits, training_labels(set, Labels::hard, 0.1)).mean();
  EXPECT_NEAR(loss.item<double>(),
              at::cross_entropy_loss(logits, target, {}, at::Reduction::Mean, -100, 0.1).item<double>(), 1e-6);
}

}  // namespace
}  // namespace penumbra::trainer
