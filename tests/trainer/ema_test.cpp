#include "trainer/optim/ema.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace penumbra::trainer {
namespace {

struct Weights {
  at::Tensor weight = at::full({2, 3}, 4.0F).requires_grad_();
  at::Tensor mean = at::full({3}, 8.0F);
  comm::FlatParameters flat{{{"w", weight}}};
};

TEST(WeightAverage, FollowsTheRecursionWithItsEarlyDecay) {
  Weights w;
  WeightAverage average(w.flat, w.mean, 0.95);
  double weight = 4, mean = 8;
  for (int n = 0; n < 400; ++n) {
    const double x = std::sin(0.1 * n), y = std::cos(0.1 * n);
    w.flat.values().fill_(x);
    w.mean.fill_(y);
    average.update();
    const double d = std::min(0.95, (1.0 + n) / (10.0 + n));
    weight = d * weight + (1 - d) * x;
    mean = d * mean + (1 - d) * y;
  }
  average.swap();
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(w.weight.const_data_ptr<float>()[i], weight, 1e-6);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(w.mean.const_data_ptr<float>()[i], mean, 1e-6);
}

TEST(WeightAverage, TheFirstUpdateTakesNineTenthsOfTheNewWeights) {
  Weights w;
  WeightAverage average(w.flat, w.mean, 0.999);
  w.flat.values().fill_(14);
  average.update();
  average.swap();
  EXPECT_NEAR(w.weight.const_data_ptr<float>()[0], 13, 1e-5);
}

TEST(WeightAverage, ForgetsHalfOfItselfInItsHalfLife) {
  Weights w;
  WeightAverage average(w.flat, w.mean, decay_of_half_life(1.5, 40));
  average.resume_at(1'000'000);  // the early decay is long past
  w.flat.values().fill_(2);
  for (int step = 0; step < 60; ++step) average.update();
  average.swap();
  EXPECT_NEAR(w.weight.const_data_ptr<float>()[0], 3, 1e-5);  // from 4, half way to 2
}

TEST(WeightAverage, SwappingTwiceGivesBackTheSameBits) {
  Weights w;
  WeightAverage average(w.flat, w.mean, 0.9);
  w.flat.values().copy_(at::arange(6).to(at::kFloat).div(7));
  w.mean.copy_(at::arange(3).to(at::kFloat).div(3));
  const at::Tensor weight = w.flat.values().clone(), mean = w.mean.clone();
  average.swap();
  EXPECT_EQ(w.weight.const_data_ptr<float>()[5], 4);  // no update yet: the start is the average
  EXPECT_EQ(w.mean.const_data_ptr<float>()[2], 8);
  average.swap();
  EXPECT_TRUE(at::equal(w.flat.values(), weight));
  EXPECT_TRUE(at::equal(w.mean, mean));
}

TEST(WeightAverage, RefusesToAverageTheAverageItself) {
  Weights w;
  WeightAverage average(w.flat, w.mean, 0.9);
  average.swap();
  EXPECT_THROW(average.update(), std::logic_error);
  average.swap();
  EXPECT_NO_THROW(average.update());
}

}  // namespace
}  // namespace penumbra::trainer
