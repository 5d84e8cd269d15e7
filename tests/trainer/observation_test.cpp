#include "trainer/loop/observation.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/trainer/tensor_testing.h"
#include "trainer/nets/net_options.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::normal;
using penumbra::testing::values;

constexpr std::int64_t kFaces = 6, kClasses = 4, kGlobal = 12;

struct Seen {
  DualNet nets;
  data::Batch batch;
  Views views;
  at::Tensor hard = at::tensor({0, 1, 2, 3, 1, 1}, at::kLong);
  Objective objective;

  explicit Seen(Method method = Method::full) : nets(options(), method, 1) {
    batch.global_size = kGlobal;
    const std::int64_t features = nets.original().fc_weight().size(1);
    views.original = {normal({kFaces, features, 3, 5}, 1).to(at::kFloat), normal({kFaces, kClasses}, 2).to(at::kFloat)};
    if (method != Method::ce_only)
      views.ambiguous = {normal({kFaces, features, 3, 5}, 3).to(at::kFloat),
                         normal({kFaces, kClasses}, 4).to(at::kFloat)};
    objective.posterior = at::softmax(views.original.logits, 1);
    batch.lambda = at::tensor({0.5, 0.6, 0.7, 0.8, 0.9, 1.0}, at::kFloat);
    objective.divergence = at::tensor({0.1, 0.3, 0.2, 0.4, 0.0, 0.5}, at::kFloat);
  }

  static ResNetOptions options() {
    ResNetOptions net;
    net.depth = 10;
    net.width = 4;
    net.classes = kClasses;
    return net;
  }

  Observation observation() { return observe(views, batch, hard, nets, objective); }
};

double uncertainty(const std::vector<double>& p, std::size_t row) {
  double h = 0;
  for (std::size_t c = 0; c < kClasses; ++c) h -= p[row * kClasses + c] * std::log(p[row * kClasses + c]);
  return h / std::log(static_cast<double>(kClasses));
}

TEST(Observation, UncertaintyIsTheEntropyOfEachSpacesPosterior) {
  Seen seen;
  const Observation found = seen.observation();
  const auto hard = seen.hard.const_data_ptr<std::int64_t>();
  for (std::size_t space = 0; space < 2; ++space) {
    const auto p = values(at::softmax(space == 0 ? seen.views.original.logits : seen.views.ambiguous->logits, 1));
    double sum = 0;
    std::vector<double> buckets(kUncertaintyBuckets, 0), classes(kClasses, 0);
    for (std::size_t i = 0; i < kFaces; ++i) {
      const double u = uncertainty(p, i);
      sum += u;
      ++buckets[static_cast<std::size_t>(std::ceil(10 * u) - 1)];
      classes[static_cast<std::size_t>(hard[i])] += u;
    }
    const auto row = static_cast<std::int64_t>(space);
    EXPECT_NEAR(found.uncertainty[space].item<double>(), sum / kGlobal, 1e-6);
    EXPECT_EQ(values(found.histogram[row]), buckets);
    for (std::size_t c = 0; c < kClasses; ++c) EXPECT_NEAR(values(found.class_uncertainty[row])[c], classes[c], 1e-5);
  }
  EXPECT_EQ(values(found.class_count), (std::vector<double>{1, 3, 1, 1}));
}

TEST(Observation, AttentionIsThatOfTheLabel) {
  Seen seen;
  const Observation found = seen.observation();
  const auto F = values(seen.views.original.features), W = values(seen.nets.original().fc_weight().detach());
  const auto features = static_cast<std::size_t>(seen.views.original.features.size(1));
  const auto hard = seen.hard.const_data_ptr<std::int64_t>();
  double norms = 0, spreads = 0;
  for (std::size_t i = 0; i < kFaces; ++i) {
    double sum = 0, squares = 0;
    for (std::size_t cell = 0; cell < 15; ++cell) {
      double a = 0;
      for (std::size_t k = 0; k < features; ++k)
        a += W[static_cast<std::size_t>(hard[i]) * features + k] * F[(i * features + k) * 15 + cell];
      sum += a;
      squares += a * a;
    }
    norms += std::sqrt(squares / 15);
    spreads += std::sqrt(squares / 15 - sum * sum / 225);
  }
  EXPECT_NEAR(found.attention_norm[0].item<double>(), norms / kGlobal, 1e-5);
  EXPECT_NEAR(found.attention_spread[0].item<double>(), spreads / kGlobal, 1e-5);
}

TEST(Observation, AFlatMapHasNoSpread) {
  Seen seen;
  seen.views.ambiguous->features.fill_(0.5);
  EXPECT_NEAR(seen.observation().attention_spread[1].item<double>(), 0, 1e-6);
  EXPECT_GT(seen.observation().attention_norm[1].item<double>(), 0);
}

TEST(Observation, AgreementCountsEqualPeaks) {
  Seen seen;
  seen.views.ambiguous->logits = seen.views.original.logits.clone();
  EXPECT_NEAR(seen.observation().agreement.item<double>(), 0.5, 1e-6) << "all of this rank's half of the batch";
  seen.views.ambiguous->logits.neg_();
  EXPECT_NEAR(seen.observation().agreement.item<double>(), 0, 1e-6);
}

TEST(Observation, MomentsAreThoseOfLambdaAndD) {
  const std::vector<double> expected = {6, 4.5, 1.5, 4.5, 3.55, 1.19, 1.5, 1.19, 0.55};
  const auto found = values(Seen().observation().mix_moments);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6) << i;
}

TEST(Observation, OneNetAloneHasNoAmbiguousSpace) {
  Seen seen(Method::ce_only);
  const Observation found = seen.observation();
  EXPECT_EQ(found.uncertainty[1].item<double>(), 0);
  EXPECT_EQ(found.histogram[1].sum().item<double>(), 0);
  EXPECT_EQ(found.mix_moments.sum().item<double>(), 0);
}

TEST(Observation, WhatIsNotANumberDoesNotThrow) {
  Seen seen;
  seen.views.original.logits.fill_(std::numeric_limits<float>::quiet_NaN());
  seen.objective.posterior = at::softmax(seen.views.original.logits, 1);
  EXPECT_TRUE(std::isnan(seen.observation().uncertainty[0].item<double>()));
}

}  // namespace
}  // namespace penumbra::trainer
