#include "trainer/objective/objective.h"

#include <functional>
#include <memory>
#include <set>
#include <string>

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include "tests/trainer/fake_collective.h"
#include "tests/trainer/objective_reference.h"
#include "tests/trainer/tensor_testing.h"
#include "trainer/nets/net_options.h"
#include "trainer/objective/uncertainty_options.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::largest_difference;
using penumbra::testing::normal;
using penumbra::testing::objective_reference;
using penumbra::testing::ReferenceInput;
using penumbra::testing::ReferenceResult;
using penumbra::testing::uniform;
using penumbra::testing::values;

constexpr std::int64_t kBatch = 6, kClasses = 3, kFeatures = 8, kCells = 6, kSide = 24;
const ResNetOptions kNet{10, 1, "small", 1, 1, 1, kClasses};  // stride 4: 6 x 6 cells of 24 pixels

at::Tensor theta(std::uint64_t seed, double turn, double shift) {
  const auto draw = values(uniform({kBatch, 4}, seed, -1, 1));
  std::vector<double> m;
  for (std::size_t i = 0; i < kBatch; ++i) {
    const double* r = &draw[4 * i];
    const double c = (1 + turn * r[1]) * std::cos(turn * r[0]), s = (1 + turn * r[1]) * std::sin(turn * r[0]);
    const double flip = i % 2 == 0 ? -1 : 1;
    m.insert(m.end(), {flip * c, -s, shift * r[2], flip * s, c, shift * r[3]});
  }
  return at::tensor(m, at::kFloat).reshape({kBatch, 2, 3});
}

data::Batch make_batch(bool cutmix, bool some_unmixed = false) {
  data::Batch b;
  b.weak = at::empty({kBatch, 1, kSide, kSide});
  b.sample = at::tensor({4, 9, 0, 7, 2, 11}, at::kLong);
  b.lambda = at::tensor({0.7, 0.55, 0.9, 0.6, 0.999, 0.8}, at::kFloat);
  b.weak_theta = theta(31, 0, 0.06);
  b.ambiguous_theta = theta(32, 0.17, 0.05);
  if (cutmix) {
    b.box = at::tensor({-1.0, -1.0, -0.2, 0.3, 0.1,  -0.5, 1.0, 0.2, 0.0,  0.0, 0.0, 0.0,
                        -0.4, 0.2,  0.6,  1.0, -0.7, -0.7, 0.3, 0.8, -1.0, 0.5, 1.0, 1.0},
                       at::kFloat)
                .reshape({kBatch, 4});
  }
  if (some_unmixed) {  // one with a mixed partner, and a pair
    for (const std::int64_t row : {1, 4, 5}) {
      b.lambda[row].fill_(1);
      if (cutmix) b.box[row].fill_(-1);
    }
  }
  b.global_size = 10;  // other ranks hold the rest
  return b;
}

UncertaintyBank make_bank(UncertaintyOptions options = {}) {
  constexpr std::int64_t kSamples = 12;
  const auto labels = at::softmax(2 * normal({kSamples, kClasses}, 41), 1).to(at::kFloat);
  UncertaintyBank bank(labels, labels.argmax(1), options);
  const auto visited = at::tensor({0, 2, 3, 4, 7, 9}, at::kLong);  // not 11: the batch has a sample that was never seen
  bank.update(visited, at::softmax(normal({6, kClasses}, 42), 1).to(at::kFloat), uniform({6}, 43).to(at::kFloat));
  testing::ThreadRanks ranks(1);
  testing::ThreadRanks::Rank rank(ranks, 0);
  bank.end_epoch(rank);
  return bank;
}

/// What the nets might have said: leaves in fp64.
struct Leaves {
  at::Tensor F_o = normal({kBatch, kFeatures, kCells, kCells}, 1).requires_grad_(true);
  at::Tensor F_a = normal({kBatch, kFeatures, kCells, kCells}, 2).requires_grad_(true);
  at::Tensor z_o = normal({kBatch, kClasses}, 3).requires_grad_(true);
  at::Tensor z_a = normal({kBatch, kClasses}, 4).requires_grad_(true);

  Views views(Method method, std::int64_t from = 0, std::int64_t count = kBatch) const {
    Views v{{F_o.narrow(0, from, count), z_o.narrow(0, from, count)}, std::nullopt};
    if (method != Method::ce_only) v.ambiguous = NetOutput{F_a.narrow(0, from, count), z_a.narrow(0, from, count)};
    return v;
  }
  std::vector<at::Tensor> all() const { return {F_o, F_a, z_o, z_a}; }
};

struct Case {
  std::string name;
  ObjectiveOptions options{};
  Method method = Method::full;
  bool cutmix = false;
  bool some_unmixed = false;
  bool balanced = false;
  double epoch = 20;  // of 100: past warm-up, within the ramps
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

Case with(std::string name, void (*change)(Case&)) {
  Case c{std::move(name)};
  change(c);
  return c;
}

class ObjectiveFollowsTheMethod : public ::testing::TestWithParam<Case> {
 protected:
  const Case& c_ = GetParam();
  DualNet nets_{kNet, c_.method, 5};
  UncertaintyBank bank_ = make_bank();
  data::Batch batch_ = make_batch(c_.cutmix, c_.some_unmixed);
  ClassBalance balance_ =
      c_.balanced ? ClassBalance{at::tensor({0.5, 0.75, 2.0}, at::kFloat), at::tensor({-0.25, -1.0, -2.5}, at::kFloat)}
                  : ClassBalance{};
  Leaves leaves_;

  Objective objective_now() {
    return objective(leaves_.views(c_.method), batch_, bank_, nets_, c_.options, ramps_at(c_.options, {c_.epoch, 100}),
                     balance_);
  }

  ReferenceInput reference_input() {
    const auto rows = bank_.rows(batch_.sample);
    ReferenceInput in{.batch = kBatch, .classes = kClasses, .features = kFeatures, .cells = kCells, .side = kSide};
    in.offset = 0;
    in.stride = 4;
    in.global_size = 10;
    in.method = c_.method;
    in.options = c_.options;
    in.epoch = c_.epoch;
    in.epochs = 100;
    in.fc_o = values(nets_.original().fc_weight());
    if (nets_.ambiguous()) in.fc_a = values(nets_.ambiguous()->fc_weight());
    in.lambda = values(batch_.lambda);
    in.weak = values(batch_.weak_theta);
    in.theta = values(batch_.ambiguous_theta);
    if (c_.cutmix) in.box = values(batch_.box);
    in.y = values(bank_.labels(batch_.sample));
    for (const double label : values(bank_.hard_labels(batch_.sample)))
      in.hard.push_back(static_cast<std::size_t>(label));
    if (c_.balanced) {
      in.class_weight = values(balance_.weight);
      in.shift = values(balance_.shift);
    }
    in.Q = values(rows.posterior);
    in.u = values(rows.uncertainty);
    in.n = values(rows.disagreement);
    in.w = values(rows.weight);
    return in;
  }
};

TEST_P(ObjectiveFollowsTheMethod, InEveryNumberItReturns) {
  const auto got = objective_now();
  const penumbra::testing::Said said{values(leaves_.F_o), values(leaves_.F_a), values(leaves_.z_o),
                                     values(leaves_.z_a)};
  const auto expected = objective_reference(reference_input(), said, said);
  EXPECT_NEAR(got.total.item<double>(), expected.total, 2e-5);
  EXPECT_NEAR(got.ce_original.item<double>(), expected.ce_original, 1e-6);
  EXPECT_NEAR(got.ce_ambiguous.item<double>(), expected.ce_ambiguous, 1e-6);
  EXPECT_NEAR(got.attention.item<double>(), expected.attention, 1e-5);
  EXPECT_NEAR(got.alignment.item<double>(), expected.alignment, 1e-6);
  EXPECT_NEAR(got.correct_original.item<double>(), expected.correct_original, 1e-6);
  EXPECT_NEAR(got.correct_ambiguous.item<double>(), expected.correct_ambiguous, 1e-6);
  EXPECT_NEAR(got.moved.item<double>(), expected.moved, 1e-6);
  EXPECT_NEAR(got.empty_attention.item<double>(), expected.empty_attention, 1e-6);
  const auto posterior = values(got.posterior);
  for (std::size_t i = 0; i < posterior.size(); ++i) EXPECT_NEAR(posterior[i], expected.posterior[i], 1e-12);
  ASSERT_EQ(got.divergence.defined(), c_.method != Method::ce_only);
  if (got.divergence.defined()) {
    const auto divergence = values(got.divergence);
    for (std::size_t i = 0; i < divergence.size(); ++i) EXPECT_NEAR(divergence[i], expected.divergence[i], 1e-6);
  }
  for (const auto* logged : {&got.ce_original, &got.ce_ambiguous, &got.attention, &got.alignment, &got.posterior}) {
    EXPECT_FALSE(logged->requires_grad());
  }
}

// The reference takes what the gradient sees and what sg(.) holds fixed apart, so that its differences in the first
// alone are the gradient that the method asks for.
TEST_P(ObjectiveFollowsTheMethod, InItsGradientIncludingWhatIsDetached) {
  objective_now().total.backward();
  const auto input = reference_input();
  const penumbra::testing::Said fixed{values(leaves_.F_o), values(leaves_.F_a), values(leaves_.z_o),
                                      values(leaves_.z_a)};
  auto live = fixed;
  std::vector<double>* rows[] = {&live.F_o, &live.F_a, &live.z_o, &live.z_a};
  const auto leaves = leaves_.all();
  for (std::size_t leaf = 0; leaf < 4; ++leaf) {
    const auto gradient =
        leaves[leaf].grad().defined() ? values(leaves[leaf].grad()) : std::vector<double>(rows[leaf]->size());
    const std::size_t step = leaf < 2 ? 97 : 1;
    for (std::size_t i = 0; i < rows[leaf]->size(); i += step) {
      auto& value = (*rows[leaf])[i];
      const double at = value, h = 1e-4;
      value = at + h;
      const double above = objective_reference(input, live, fixed).total;
      value = at - h;
      const double below = objective_reference(input, live, fixed).total;
      value = at;
      EXPECT_NEAR(gradient[i], (above - below) / (2 * h), 2e-6) << "leaf " << leaf << " entry " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Switches, ObjectiveFollowsTheMethod,
    ::testing::Values(Case{"defaults"}, with("raw", [](Case& c) { c.options.attention_norm = AttentionNorm::raw; }),
                      with("l2", [](Case& c) { c.options.attention_norm = AttentionNorm::l2; }),
                      with("original_to_ambiguous", [](Case& c) { c.options.couple = Couple::original_to_ambiguous; }),
                      with("unmixed", [](Case& c) { c.options.target = Target::unmixed; }),
                      with("no_warp", [](Case& c) { c.options.warp = false; }),
                      with("cutmix", [](Case& c) { c.cutmix = true; }),
                      with("some_unmixed", [](Case& c) { c.some_unmixed = true; }),
                      with("some_unmixed_cutmix", [](Case& c) { c.cutmix = c.some_unmixed = true; }),
                      with("balanced", [](Case& c) { c.balanced = true; }),
                      with("no_attention", [](Case& c) { c.options.attention_weight = 0; }),
                      with("forward_kl", [](Case& c) { c.options.divergence = Divergence::forward_kl; }),
                      with("js", [](Case& c) { c.options.divergence = Divergence::js; }),
                      with("temperature", [](Case& c) { c.options.temperature = 2; }),
                      with("no_alignment", [](Case& c) { c.options.alignment_weight = 0; }),
                      with("disagreement", [](Case& c) { c.options.trust = Trust::disagreement; }),
                      with("warm_up", [](Case& c) { c.epoch = 14.9; }), with("late", [](Case& c) { c.epoch = 90; }),
                      with("no_ramp", [](Case& c) { c.options.ramp_share = 0; }),
                      with("no_soft_labels", [](Case& c) { c.options.beta_max = 0; }),
                      with("ce_only", [](Case& c) { c.method = Method::ce_only; }),
                      with("mixup_only", [](Case& c) { c.method = Method::mixup_only; })),
    [](const auto& each) { return each.param.name; });

TEST(Objective, SharesOfABatchAddUpToTheWhole) {
  const auto bank = make_bank();
  const Leaves leaves;
  DualNet nets(kNet, Method::full, 5);
  const auto whole_batch = make_batch(true);
  const auto whole = objective(leaves.views(Method::full), whole_batch, bank, nets, {}, ramps_at({}, {40, 100}));
  const auto share = [&](std::int64_t from, std::int64_t count) {
    auto batch = whole_batch;
    for (auto* rows :
         {&batch.weak, &batch.sample, &batch.lambda, &batch.weak_theta, &batch.ambiguous_theta, &batch.box}) {
      *rows = rows->narrow(0, from, count);
    }
    return objective(leaves.views(Method::full, from, count), batch, bank, nets, {}, ramps_at({}, {40, 100}));
  };
  const auto a = share(0, 4), b = share(4, 2);
  const auto adds_up = [&](at::Tensor Objective::*scalar) {
    EXPECT_NEAR((whole.*scalar).item<double>(), (a.*scalar).item<double>() + (b.*scalar).item<double>(), 1e-7);
  };
  adds_up(&Objective::total);
  adds_up(&Objective::ce_original);
  adds_up(&Objective::ce_ambiguous);
  adds_up(&Objective::attention);
  adds_up(&Objective::alignment);
  adds_up(&Objective::correct_original);
  adds_up(&Objective::correct_ambiguous);
  adds_up(&Objective::moved);
  adds_up(&Objective::empty_attention);
  EXPECT_LT(largest_difference(whole.divergence, at::cat({a.divergence, b.divergence})), 1e-7);
  EXPECT_LT(largest_difference(whole.posterior, at::cat({a.posterior, b.posterior})), 1e-12);
}

TEST(Objective, AnEmptyOverlapContributesNothingAndIsCounted) {
  auto batch = make_batch(false);
  batch.ambiguous_theta[0][0][2] += 9;  // row 0 looks at nothing that a weak view holds
  const auto bank = make_bank();
  const Leaves leaves;
  DualNet nets(kNet, Method::full, 5);
  const auto loss = objective(leaves.views(Method::full), batch, bank, nets, {}, ramps_at({}, {40, 100}));
  EXPECT_NEAR(loss.empty_attention.item<double>(), 0.1, 1e-7);
  loss.total.backward();
  EXPECT_TRUE(leaves.F_a.grad().isfinite().all().item<bool>());
  EXPECT_EQ(leaves.F_a.grad()[0].abs().max().item<double>(), 0);
  EXPECT_GT(leaves.F_a.grad()[1].abs().max().item<double>(), 0);
}

TEST(Objective, OneWayCouplingGivesTheOriginalNetNoGradientFromAttention) {
  const auto bank = make_bank();
  DualNet nets(kNet, Method::full, 5);
  for (const auto couple : {Couple::both, Couple::original_to_ambiguous}) {
    const Leaves leaves;
    ObjectiveOptions options;
    options.couple = couple;
    objective(leaves.views(Method::full), make_batch(false), bank, nets, options, ramps_at({}, {40, 100}))
        .total.backward();
    EXPECT_EQ(leaves.F_o.grad().defined(), couple == Couple::both);
    EXPECT_TRUE(leaves.F_a.grad().defined());
  }
}

/// Names of the operators that `work` calls.
std::set<std::string> operators_of(const std::function<void()>& work) {
  static thread_local std::set<std::string> called;  // a callback is a plain function
  called.clear();
  const auto note = [](const at::RecordFunction& f) -> std::unique_ptr<at::ObserverContext> {
    called.insert(f.name());
    return nullptr;
  };
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(note).scopes({at::RecordScope::FUNCTION}));
  work();
  at::removeCallback(handle);
  return called;
}

TEST(Objective, NeverWaitsForANumberOfTheDevice) {
  const auto bank = make_bank();
  const Leaves leaves;
  DualNet nets(kNet, Method::full, 5);
  const auto batch = make_batch(true);
  Objective loss;
  const auto names = operators_of([&] {
    loss = objective(leaves.views(Method::full), batch, bank, nets, {}, ramps_at({}, {40, 100}));
  });
  EXPECT_TRUE(names.contains("aten::bmm"));
  for (const auto* blocking :
       {"aten::item", "aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal"}) {
    EXPECT_FALSE(names.contains(blocking)) << blocking;
  }
  EXPECT_TRUE(operators_of([&] { loss.total.item<double>(); }).contains("aten::item"));
}

TEST(Objective, RefusesToTakeMoreThanHalfOfAGivenLabel) {
  const auto bank = make_bank();
  const Leaves leaves;
  DualNet nets(kNet, Method::full, 5);
  ObjectiveOptions options;
  options.beta_max = 0.51;
  EXPECT_THROW(objective(leaves.views(Method::full), make_batch(false), bank, nets, options, ramps_at({}, {40, 100})),
               std::invalid_argument);
}

}  // namespace
}  // namespace penumbra::trainer
