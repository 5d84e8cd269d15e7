#include "trainer/optim/flat_optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace penumbra::trainer {
namespace {

/// Deterministic values in [-1, 1).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  double next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state_ >> 11) / 4503599627370496.0 - 1;
  }

 private:
  std::uint64_t state_;
};

at::Tensor parameter(at::IntArrayRef sizes, Numbers& numbers) {
  at::Tensor out = at::empty(sizes);
  for (std::int64_t i = 0; i < out.numel(); ++i) out.mutable_data_ptr<float>()[i] = static_cast<float>(numbers.next());
  return out.requires_grad_();
}

/// Weights and biases alternate, so that runs of equal decay are short and of odd sizes.
std::vector<comm::NamedTensor> small_net(Numbers& numbers) {
  return {{"conv", parameter({5, 3, 3, 3}, numbers)},
          {"norm", parameter({5}, numbers)},
          {"fc.weight", parameter({7, 5}, numbers)},
          {"fc.bias", parameter({7}, numbers)}};
}

std::vector<comm::Interval> whole(const comm::FlatParameters& parameters) { return {{0, parameters.size()}}; }

at::Tensor number(double value) { return at::scalar_tensor(value, at::kFloat); }

/// An update of everything from the gradients that are there.
void step(FlatOptimizer& optimizer, const comm::FlatParameters& parameters, double rate, int count) {
  optimizer.step(number(rate), number(count), parameters.gradients().norm());
}

/// torch.optim's documented algorithms, one element after the other in double precision.
class Reference {
 public:
  Reference(const comm::FlatParameters& parameters, OptimizerOptions options) : options_(options) {
    const auto n = static_cast<std::size_t>(parameters.size());
    values.resize(n);
    decay_.resize(n);
    first_.resize(n);
    second_.resize(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = parameters.values().const_data_ptr<float>()[i];
    for (const auto& s : parameters.segments()) {
      for (std::int64_t k = 0; k < s.size; ++k)
        decay_[static_cast<std::size_t>(s.offset + k)] = s.decay ? options.weight_decay : 0;
    }
  }

  void step(std::vector<double> gradient, double rate) {
    ++steps_;
    double norm = 0;
    for (const double g : gradient) norm += g * g;
    const double scale = options_.clip_norm > 0 ? std::min(1.0, options_.clip_norm / (std::sqrt(norm) + 1e-6)) : 1;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double g = gradient[i] * scale;
      options_.kind == OptimizerKind::sgd ? sgd(i, g, rate) : adamw(i, g, rate);
    }
  }

  std::vector<double> values;

 private:
  void sgd(std::size_t i, double g, double rate) {
    g += decay_[i] * values[i];
    first_[i] = steps_ == 1 ? g : options_.momentum * first_[i] + g;
    values[i] -= rate * (options_.nesterov ? g + options_.momentum * first_[i] : first_[i]);
  }
  void adamw(std::size_t i, double g, double rate) {
    values[i] *= 1 - rate * decay_[i];
    first_[i] = options_.beta1 * first_[i] + (1 - options_.beta1) * g;
    second_[i] = options_.beta2 * second_[i] + (1 - options_.beta2) * g * g;
    const double m = first_[i] / (1 - std::pow(options_.beta1, steps_));
    const double v = second_[i] / (1 - std::pow(options_.beta2, steps_));
    values[i] -= rate * m / (std::sqrt(v) + options_.epsilon);
  }

  OptimizerOptions options_;
  std::vector<double> decay_, first_, second_;
  int steps_ = 0;
};

/// Sets the flat gradient to something noisy that pulls towards zero, and returns it as double.
std::vector<double> set_gradient(const comm::FlatParameters& parameters, Numbers& numbers) {
  float* g = parameters.gradients().mutable_data_ptr<float>();
  const float* x = parameters.values().const_data_ptr<float>();
  for (std::int64_t i = 0; i < parameters.size(); ++i) g[i] = x[i] + static_cast<float>(numbers.next());
  return {g, g + parameters.size()};
}

double largest_difference(const comm::FlatParameters& parameters, const std::vector<double>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    worst = std::max(worst, std::abs(parameters.values().const_data_ptr<float>()[i] - expected[i]));
  }
  return worst;
}

void expect_follows_reference(const OptimizerOptions& options, double rate, double tolerance) {
  Numbers numbers(1);
  comm::FlatParameters parameters(small_net(numbers));
  FlatOptimizer optimizer(parameters, options, whole(parameters));
  Reference reference(parameters, options);
  const std::vector<double> start = reference.values;
  for (int i = 0; i < 200; ++i) {
    const double now = rate * (1 + 0.5 * std::sin(i));
    reference.step(set_gradient(parameters, numbers), now);
    step(optimizer, parameters, now, i + 1);
    ASSERT_LT(largest_difference(parameters, reference.values), tolerance) << "after step " << i;
  }
  EXPECT_GT(largest_difference(parameters, start), 0.1) << "the parameters hardly moved";
}

OptimizerOptions sgd(double momentum, bool nesterov, double decay) {
  OptimizerOptions out;
  out.momentum = momentum;
  out.nesterov = nesterov;
  out.weight_decay = decay;
  return out;
}

OptimizerOptions adamw(double decay) {
  OptimizerOptions out;
  out.kind = OptimizerKind::adamw;
  out.weight_decay = decay;
  return out;
}

TEST(FlatOptimizer, SgdWithNesterovFollowsTheDoublePrecisionReference) {
  expect_follows_reference(sgd(0.9, true, 0.05), 0.02, 5e-6);
}

TEST(FlatOptimizer, SgdWithHeavyBallFollowsTheDoublePrecisionReference) {
  expect_follows_reference(sgd(0.8, false, 0.05), 0.02, 5e-6);
}

TEST(FlatOptimizer, SgdWithoutMomentumFollowsTheDoublePrecisionReference) {
  expect_follows_reference(sgd(0, false, 0.05), 0.05, 5e-6);
}

TEST(FlatOptimizer, AdamWFollowsTheDoublePrecisionReference) { expect_follows_reference(adamw(0.05), 0.01, 2e-5); }

TEST(FlatOptimizer, ClippedSgdFollowsTheDoublePrecisionReference) {
  OptimizerOptions options = sgd(0.9, true, 0.05);
  options.clip_norm = 3;  // the gradients' norms are around 8: always clips
  expect_follows_reference(options, 0.02, 5e-6);
}

/// Python: two parameter groups (weight decay 0.1 and 0), lr 0.05, gradient sin(0.7 (step+1) (index+1)) + 0.3 p, 30
/// steps of torch.optim 2.11 in float64.
void expect_golden(const OptimizerOptions& options, const std::vector<double>& weight,
                   const std::vector<double>& bias) {
  at::Tensor w = at::tensor({0.5F, -1.0F, 2.0F}).view({1, 3}).requires_grad_();
  at::Tensor b = at::tensor({0.1F, -0.3F}).requires_grad_();
  comm::FlatParameters parameters({{"w", w}, {"b", b}});
  FlatOptimizer optimizer(parameters, options, whole(parameters));
  for (int t = 0; t < 30; ++t) {
    for (int i = 0; i < 5; ++i) {
      at::Tensor& p = i < 3 ? w : b;
      const int k = i < 3 ? i : i - 3;
      p.mutable_grad().mutable_data_ptr<float>()[k] =
          static_cast<float>(std::sin(0.7 * (t + 1) * (i + 1)) + 0.3 * p.const_data_ptr<float>()[k]);
    }
    step(optimizer, parameters, 0.05, t + 1);
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(w.const_data_ptr<float>()[i], weight[i], 2e-6) << i;
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(b.const_data_ptr<float>()[i], bias[i], 2e-6) << i;
}

TEST(FlatOptimizer, GivesTheNumbersOfPythonsTorchOptim) {
  expect_golden(sgd(0.9, true, 0.1), {-0.04720617322714661, 0.15924098068820078, -0.22854126327170673},
                {-0.04747715131245933, 0.08688189299777065});
  expect_golden(sgd(0.9, false, 0.1), {0.023997463741474878, 0.19990227700353413, -0.3193408227901769},
                {-0.03142098067460159, 0.0764574790506482});
  expect_golden(adamw(0.1), {0.09047361589599716, -0.5186918729604905, 0.9528862811695737},
                {0.02110662738036135, -0.12170817212153408});
}

TEST(FlatOptimizer, TheFirstMomentumIsTheFirstGradient) {
  Numbers numbers(2);
  comm::FlatParameters parameters(small_net(numbers));
  FlatOptimizer optimizer(parameters, sgd(0.9, false, 0), whole(parameters));
  const std::vector<double> gradient = set_gradient(parameters, numbers);
  step(optimizer, parameters, 0.1, 1);
  ASSERT_EQ(optimizer.state().size(), 1U);
  const at::Tensor momentum = optimizer.state()[0].tensor;
  for (std::size_t i = 0; i < gradient.size(); ++i) EXPECT_EQ(momentum.const_data_ptr<float>()[i], gradient[i]);
}

TEST(FlatOptimizer, WeightDecayLeavesBiasesAndNormsAlone) {
  Numbers numbers(3);
  for (OptimizerOptions options : {sgd(0.9, true, 0.5), adamw(0.5)}) {
    comm::FlatParameters parameters(small_net(numbers));
    const at::Tensor before = parameters.values().clone();
    parameters.gradients().zero_();
    FlatOptimizer optimizer(parameters, options, whole(parameters));
    step(optimizer, parameters, 0.1, 1);
    for (const auto& s : parameters.segments()) {
      const bool moved =
          !at::equal(before.narrow(0, s.offset, s.size), parameters.values().narrow(0, s.offset, s.size));
      EXPECT_EQ(moved, s.name == "conv" || s.name == "fc.weight") << s.name;
    }
  }
}

TEST(FlatOptimizer, ClippingScalesTheGradientToTheLimit) {
  Numbers numbers(4);
  comm::FlatParameters parameters(small_net(numbers));
  OptimizerOptions options = sgd(0.9, true, 0);
  options.clip_norm = 0.5;
  FlatOptimizer optimizer(parameters, options, whole(parameters));
  set_gradient(parameters, numbers);
  ASSERT_GT(parameters.gradients().norm().item<float>(), 1);
  step(optimizer, parameters, 0.1, 1);
  EXPECT_NEAR(parameters.gradients().norm().item<float>(), 0.5, 1e-5);
}

TEST(FlatOptimizer, AGradientBelowTheLimitIsNotTouched) {
  Numbers numbers(5);
  comm::FlatParameters parameters(small_net(numbers));
  OptimizerOptions options = sgd(0.9, true, 0);
  options.clip_norm = 1e4;
  set_gradient(parameters, numbers);
  const at::Tensor before = parameters.gradients().clone();
  FlatOptimizer optimizer(parameters, options, whole(parameters));
  step(optimizer, parameters, 0.1, 1);
  EXPECT_TRUE(at::equal(before, parameters.gradients()));
}

TEST(FlatOptimizer, OptimizersOfPartsTogetherAreOneOfTheWhole) {
  for (OptimizerOptions options : {sgd(0.9, true, 0.05), adamw(0.05)}) {
    options.clip_norm = 3;
    Numbers numbers(8), same(8), gradients(9);
    comm::FlatParameters parameters(small_net(numbers)), together(small_net(same));
    const std::int64_t n = parameters.size();
    ASSERT_GT(n, 60);
    FlatOptimizer optimizer(together, options, whole(together));
    FlatOptimizer left(parameters, options, {{0, 3}, {40, 1}, {50, n - 55}});
    FlatOptimizer right(parameters, options, {{3, 37}, {41, 9}, {n - 5, 5}});
    EXPECT_EQ(left.state()[0].tensor.numel() + right.state()[0].tensor.numel(), n);
    for (int i = 0; i < 20; ++i) {
      set_gradient(together, gradients);
      parameters.gradients().copy_(together.gradients());
      const at::Tensor norm = together.gradients().norm(), raw = together.gradients().clone();
      const at::Tensor rate = number(0.01), count = number(i + 1);
      optimizer.step(rate, count, norm);
      left.step(rate, count, norm);
      parameters.gradients().copy_(raw);  // as on a rank of its own
      right.step(rate, count, norm);
      ASSERT_TRUE(parameters.values().allclose(together.values(), 1e-6, 1e-7)) << "after step " << i;
    }
  }
}

TEST(FlatOptimizer, GoesOnWithTheSameBitsFromASavedState) {
  for (const OptimizerOptions& options : {sgd(0.9, true, 0.01), adamw(0.01)}) {
    Numbers numbers(6);
    comm::FlatParameters parameters(small_net(numbers));
    FlatOptimizer optimizer(parameters, options, whole(parameters));
    for (int i = 0; i < 5; ++i) {
      set_gradient(parameters, numbers);
      step(optimizer, parameters, 0.01, i + 1);
    }
    Numbers other(7);
    comm::FlatParameters resumed(small_net(other));
    resumed.values().copy_(parameters.values());
    FlatOptimizer second(resumed, options, whole(resumed));
    for (std::size_t k = 0; k < optimizer.state().size(); ++k) {
      second.state()[k].tensor.copy_(optimizer.state()[k].tensor);
    }
    for (int i = 5; i < 10; ++i) {
      set_gradient(parameters, numbers);
      resumed.gradients().copy_(parameters.gradients());
      step(optimizer, parameters, 0.01, i + 1);
      step(second, resumed, 0.01, i + 1);
    }
    EXPECT_TRUE(at::equal(parameters.values(), resumed.values()));
  }
}

TEST(FlatOptimizer, AGradientThatIsNotFiniteChangesNothingWhereItIsToBeSkipped) {
  for (const auto kind : {OptimizerKind::sgd, OptimizerKind::adamw}) {
    Numbers numbers(3);
    comm::FlatParameters parameters(small_net(numbers));
    OptimizerOptions options;
    options.kind = kind;
    options.clip_norm = 1;
    FlatOptimizer optimizer(parameters, options, whole(parameters));
    int count = 0;
    const auto take = [&](float spoiled) {
      parameters.gradients().fill_(0.1);
      parameters.gradients()[3] = spoiled;
      optimizer.step(number(0.1), number(++count), parameters.gradients().norm(), /*skip_non_finite=*/true);
    };
    take(0.2F);
    const at::Tensor values = parameters.values().clone();
    std::vector<at::Tensor> moments;
    for (const auto& moment : optimizer.state()) moments.push_back(moment.tensor.clone());
    take(std::numeric_limits<float>::quiet_NaN());
    take(std::numeric_limits<float>::infinity());
    EXPECT_TRUE(parameters.values().equal(values));
    for (std::size_t i = 0; i < moments.size(); ++i) EXPECT_TRUE(optimizer.state()[i].tensor.equal(moments[i]));
    take(0.2F);
    EXPECT_FALSE(parameters.values().equal(values));
    EXPECT_TRUE(parameters.values().isfinite().all().item<bool>());
  }
}

}  // namespace
}  // namespace penumbra::trainer
