#include "trainer/objective/losses.h"

#include <numbers>

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "tests/trainer/tensor_testing.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::gradient_error;
using penumbra::testing::normal;
using penumbra::testing::values;

constexpr std::size_t kRows = 4, kClasses = 5;

/// Random distributions, and the same as plain rows.
struct Rows {
  at::Tensor logits, p;
  std::vector<double> flat;
  explicit Rows(std::uint64_t seed)
      : logits(2 * normal({kRows, kClasses}, seed)), p(at::softmax(logits, 1)), flat(values(p)) {}
  double operator()(std::size_t b, std::size_t c) const { return flat[b * kClasses + c]; }
};

at::Tensor distributions(const std::vector<double>& v) { return at::tensor(v, at::kDouble).unsqueeze(0); }

TEST(Losses, EqualSumsWrittenAsLoops) {
  const Rows p(1), q(2);
  const auto lambda = at::tensor({0.5, 0.7, 0.9, 0.99}, at::kDouble);
  const auto l = values(lambda);
  const auto cross = values(soft_cross_entropy(p.logits, q.p)), h = values(entropy(p.p));
  const auto kl = values(kl_divergence(p.p.log(), q.p.log())), js = values(js_divergence(p.p.log(), q.p.log()));
  const auto mixture = values(log_mixture(p.p.log(), q.p.log(), lambda));
  for (std::size_t b = 0; b < kRows; ++b) {
    double expect_cross = 0, expect_h = 0, expect_kl = 0, expect_js = 0;
    for (std::size_t c = 0; c < kClasses; ++c) {
      const double x = p(b, c), y = q(b, c), middle = (x + y) / 2;
      expect_cross -= y * std::log(x);
      expect_h -= x * std::log(x);
      expect_kl += x * std::log(x / y);
      expect_js += (x * std::log(x / middle) + y * std::log(y / middle)) / 2;
      EXPECT_NEAR(mixture[b * kClasses + c], std::log(l[b] * x + (1 - l[b]) * y), 1e-12);
    }
    EXPECT_NEAR(cross[b], expect_cross, 1e-12);
    EXPECT_NEAR(h[b], expect_h, 1e-12);
    EXPECT_NEAR(kl[b], expect_kl, 1e-12);
    EXPECT_NEAR(js[b], expect_js, 1e-12);
  }
}

TEST(Losses, GradientsEqualFiniteDifferences) {
  auto z = normal({kRows, kClasses}, 3).requires_grad_(true);
  const Rows q(4);
  const auto weight = normal({kRows}, 5), lambda = at::tensor({0.5, 0.7, 0.9, 0.99}, at::kDouble);
  const auto check = [&](const std::function<at::Tensor()>& rows) {
    EXPECT_LT(gradient_error([&] { return (rows() * weight).sum(); }, z, 20), 1e-8);
  };
  const auto log_q = q.p.log();
  const auto log_p = [&] { return at::log_softmax(z, 1); };
  check([&] { return soft_cross_entropy(z, q.p); });
  check([&] { return kl_divergence(log_p(), log_q); });
  check([&] { return kl_divergence(log_q, log_p()); });
  check([&] { return js_divergence(log_p(), log_q); });
  check([&] { return js_divergence(log_q, log_p()); });
  check([&] { return log_mixture(log_p(), log_q, lambda).sum(1); });
  check([&] { return log_mixture(log_q, log_p(), lambda).sum(1); });
}

TEST(Losses, CrossEntropyGivesItsTargetNoGradient) {
  const auto z = normal({kRows, kClasses}, 3).requires_grad_(true);
  const auto target = Rows(4).p.clone().requires_grad_(true);
  soft_cross_entropy(z, target).sum().backward();
  EXPECT_TRUE(z.grad().defined());
  EXPECT_FALSE(target.grad().defined());
}

TEST(Losses, HaveTheirKnownExtremes) {
  const auto uniform = distributions({0.25, 0.25, 0.25, 0.25});
  const auto one = distributions({1, 0, 0, 0}), other = distributions({0, 1, 0, 0});
  EXPECT_NEAR(entropy(uniform).item<double>(), std::log(4.0), 1e-15);
  EXPECT_EQ(entropy(one).item<double>(), 0);
  EXPECT_NEAR(js_divergence(one.log(), other.log()).item<double>(), std::numbers::ln2, 1e-12);
  EXPECT_NEAR(js_divergence(one.log(), one.log()).item<double>(), 0, 1e-12);
  EXPECT_NEAR(kl_divergence(one.log(), uniform.log()).item<double>(), std::log(4.0), 1e-12);
  // H(y, p) - H(y) for a one-hot y, from both sides.
  EXPECT_NEAR(js_divergence(one.log(), uniform.log()).item<double>(),
              (std::log(1 / 0.625) + 0.25 * std::log(0.25 / 0.625) + 0.75 * std::numbers::ln2) / 2, 1e-12);
}

TEST(Losses, StayFiniteWithTheirGradientsForCertainLogits) {
  auto z = at::tensor({400.0, -400.0, 0.0}, at::kFloat).unsqueeze(0).requires_grad_(true);
  const auto certain = at::tensor({0.0, 1.0, 0.0}, at::kFloat).unsqueeze(0);
  const auto log_p = at::log_softmax(z, 1);
  const auto mixed = log_mixture(log_p, certain.log(), at::tensor({1.0}, at::kFloat));
  const auto loss = js_divergence(log_p, certain.log()) + kl_divergence(mixed, log_p) + soft_cross_entropy(z, certain);
  loss.sum().backward();
  EXPECT_TRUE(std::isfinite(loss.item<double>()));
  EXPECT_TRUE(z.grad().isfinite().all().item<bool>());
}

TEST(Losses, ComputeInFp32FromBf16) {
  const auto z = normal({kRows, kClasses}, 3).to(at::kBFloat16);
  const auto loss = soft_cross_entropy(z, Rows(4).p.to(at::kFloat));
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_EQ(testing::largest_difference(loss, soft_cross_entropy(z.to(at::kFloat), Rows(4).p.to(at::kFloat))), 0);
}

TEST(PartnerRows, SwapsNeighboursOfAnyShape) {
  const auto rows = normal({6, 2, 3}, 1), swapped = partner_rows(rows);
  ASSERT_EQ(swapped.sizes(), rows.sizes());
  for (std::int64_t b = 0; b < 6; ++b) EXPECT_TRUE(swapped[b].equal(rows[b ^ 1]));
  EXPECT_TRUE(partner_rows(rows.select(2, 0)).equal(swapped.select(2, 0)));
}

}  // namespace
}  // namespace penumbra::trainer
