#include "trainer/objective/uncertainty_bank.h"

#include <limits>
#include <numbers>
#include <thread>

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "tests/trainer/fake_collective.h"
#include "tests/trainer/tensor_testing.h"

namespace penumbra::trainer {
namespace {

using penumbra::testing::largest_difference;
using penumbra::testing::normal;
using penumbra::testing::ThreadRanks;
using penumbra::testing::uniform;
using penumbra::testing::values;

constexpr std::int64_t kSamples = 12, kClasses = 4;

at::Tensor labels() { return at::softmax(2 * normal({kSamples, kClasses}, 50), 1).to(at::kFloat); }
at::Tensor hard() { return at::tensor({0, 1, 2, 3, 0, 1, 2, 0, 0, 1, 3, 0}, at::kLong); }
at::Tensor posteriors(std::int64_t n, std::uint64_t seed) {
  return at::softmax(2 * normal({n, kClasses}, seed), 1).to(at::kFloat);
}
at::Tensor divergences(std::int64_t n, std::uint64_t seed) { return uniform({n}, seed).to(at::kFloat); }
at::Tensor rows(const std::vector<std::int64_t>& sample) { return at::tensor(sample, at::kLong); }
at::Tensor all() { return at::arange(kSamples, at::kLong); }

void end_epoch_alone(UncertaintyBank& bank) {
  ThreadRanks ranks(1);
  ThreadRanks::Rank rank(ranks, 0);
  bank.end_epoch(rank);
}

void visit(UncertaintyBank& bank, const std::vector<std::int64_t>& sample, std::uint64_t seed) {
  const auto n = static_cast<std::int64_t>(sample.size());
  bank.update(rows(sample), posteriors(n, seed), divergences(n, seed + 1));
}

TEST(UncertaintyBank, KnowsNothingOfWhatWasNeverVisited) {
  UncertaintyBank bank(labels(), hard(), {});
  visit(bank, {0, 1}, 1);
  end_epoch_alone(bank);
  const auto unseen = bank.rows(rows({2, 11}));
  EXPECT_TRUE((unseen.posterior == 0.25).all().item<bool>());
  EXPECT_TRUE((unseen.uncertainty == 0).all().item<bool>());
  EXPECT_TRUE((unseen.disagreement == 0).all().item<bool>());
  EXPECT_TRUE((unseen.weight >= bank.rows(rows({0, 1})).weight.max()).all().item<bool>());
}

TEST(UncertaintyBank, AnEpochReadsTheLastSnapshotWhateverItVisits) {
  UncertaintyBank bank(labels(), hard(), {});
  visit(bank, {0, 1, 2, 3}, 1);
  end_epoch_alone(bank);
  const auto before = bank.rows(all());
  visit(bank, {0, 1, 2, 3, 4, 5}, 3);
  const auto within = bank.rows(all());
  EXPECT_TRUE(within.posterior.equal(before.posterior));
  EXPECT_TRUE(within.uncertainty.equal(before.uncertainty));
  EXPECT_TRUE(within.disagreement.equal(before.disagreement));
  EXPECT_TRUE(within.weight.equal(before.weight));
  end_epoch_alone(bank);
  EXPECT_FALSE(bank.rows(all()).posterior.equal(before.posterior));
}

TEST(UncertaintyBank, FirstVisitCopiesLaterOnesMoveByWhatMomentumLeavesAndTheUnvisitedStay) {
  UncertaintyBank bank(labels(), hard(), {.momentum = 0.7});
  const auto first = posteriors(2, 1), second = posteriors(2, 2), third = posteriors(2, 3);
  bank.update(rows({5, 7}), first, {});
  end_epoch_alone(bank);
  EXPECT_LT(largest_difference(bank.rows(rows({5, 7})).posterior, first), 1e-7);
  bank.update(rows({7, 9}), second, {});
  bank.update(rows({7, 9}), third, {});  // twice in one epoch: the mean counts
  end_epoch_alone(bank);
  const auto now = bank.rows(rows({5, 7, 9})).posterior;
  const auto mean = (second + third) / 2;
  EXPECT_LT(largest_difference(now[0], first[0]), 1e-7);
  EXPECT_LT(largest_difference(now[1], 0.7 * first[1] + 0.3 * mean[0]), 1e-7);
  EXPECT_LT(largest_difference(now[2], mean[1]), 1e-7);
}

TEST(UncertaintyBank, WhatIsNotFiniteIsNoVisit) {
  UncertaintyBank bank(labels(), hard(), {});
  const auto first = posteriors(2, 1);
  auto spoiled = first.clone();
  spoiled[1][2] = std::numeric_limits<float>::quiet_NaN();
  bank.update(rows({5, 7}), spoiled, {});
  bank.update(rows({9}), posteriors(1, 2), at::full({1}, std::numeric_limits<float>::infinity()));
  end_epoch_alone(bank);
  const auto now = bank.rows(rows({5, 7, 9})).posterior;
  EXPECT_LT(largest_difference(now[0], first[0]), 1e-7);
  EXPECT_TRUE((now.narrow(0, 1, 2) == 0.25).all().item<bool>());
}

TEST(UncertaintyBank, UncertaintyDisagreementAndWeightFollowTheirFormulas) {
  UncertaintyBank bank(labels(), hard(), {});
  const auto q = posteriors(kSamples - 2, 8), d = divergences(kSamples - 2, 9);
  bank.update(at::arange(kSamples - 2, at::kLong), q, d);
  end_epoch_alone(bank);
  const auto Q = values(q), D = values(d), y = values(labels());
  const auto u = values(bank.uncertainty()), n = values(bank.disagreement()), w = values(bank.rows(all()).weight);
  std::vector<double> trusted;
  for (std::size_t i = 0; i < kSamples; ++i) {
    double entropy = 0, js = 0;
    for (std::size_t c = 0; c < kClasses && i < kSamples - 2; ++c) {
      const double a = y[i * kClasses + c], b = Q[i * kClasses + c];
      entropy -= b * std::log(b);
      js += (a * std::log(2 * a / (a + b)) + b * std::log(2 * b / (a + b))) / 2;
    }
    const double expected = i < kSamples - 2 ? entropy / std::log(4.0) / 2 + D[i] / 2 : 0;
    EXPECT_NEAR(u[i], expected, 1e-6);
    EXPECT_NEAR(n[i], js / std::numbers::ln2, 1e-6);
    trusted.push_back(1 - expected / 2);
  }
  double mean = 0, mean_weight = 0;
  for (const double t : trusted) mean += t / kSamples;
  for (std::size_t i = 0; i < kSamples; ++i) {
    EXPECT_NEAR(w[i], trusted[i] / mean, 1e-6);
    mean_weight += w[i] / kSamples;
  }
  EXPECT_NEAR(mean_weight, 1, 1e-6);
}

TEST(UncertaintyBank, AConfidentlyContradictedLabelDisagreesWithoutBeingUncertain) {
  const auto one_hot = at::tensor({1.0, 0.0, 0.0, 0.0}, at::kFloat).repeat({2, 1});
  UncertaintyBank bank(one_hot, at::tensor({0, 0}, at::kLong), {});
  bank.update(rows({0, 1}), at::tensor({0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0}, at::kFloat).reshape({2, 4}), {});
  end_epoch_alone(bank);
  EXPECT_NEAR(bank.disagreement()[0].item<double>(), 1, 1e-6);
  EXPECT_EQ(bank.uncertainty()[0].item<double>(), 0);
  EXPECT_NEAR(bank.disagreement()[1].item<double>(), 0, 1e-6);
}

TEST(UncertaintyBank, RanksMergeToWhatOneRankWouldHave) {
  UncertaintyBank alone(labels(), hard(), {});
  std::vector<UncertaintyBank> banks;
  for (int rank = 0; rank < 3; ++rank) banks.emplace_back(labels(), hard(), UncertaintyOptions{});
  ThreadRanks ranks(3);
  const std::vector<std::vector<std::vector<std::int64_t>>> plan{{{3, 1, 0}, {8, 2}, {5}}, {{1, 8}, {}, {10, 3, 4, 6}}};
  for (std::size_t epoch = 0; epoch < plan.size(); ++epoch) {
    std::vector<std::thread> threads;
    for (std::size_t rank = 0; rank < 3; ++rank) {
      visit(alone, plan[epoch][rank], 10 * epoch + rank);
      threads.emplace_back([&, rank, epoch] {
        visit(banks[rank], plan[epoch][rank], 10 * epoch + rank);
        ThreadRanks::Rank self(ranks, static_cast<int>(rank));
        banks[rank].end_epoch(self);
      });
    }
    for (auto& thread : threads) thread.join();
    end_epoch_alone(alone);
  }
  const auto expected = alone.rows(all());
  for (const auto& bank : banks) {
    const auto merged = bank.rows(all());
    EXPECT_TRUE(merged.posterior.equal(expected.posterior));
    EXPECT_TRUE(merged.uncertainty.equal(expected.uncertainty));
    EXPECT_TRUE(merged.disagreement.equal(expected.disagreement));
    EXPECT_TRUE(merged.weight.equal(expected.weight));
  }
}

TEST(UncertaintyBank, RankWithinClassCountsHowManyOfTheClassAreMoreCertain) {
  UncertaintyBank plain(labels(), hard(), {}), ranked(labels(), hard(), {.rank_within_class = true});
  auto q = posteriors(11, 8), d = divergences(11, 9);
  for (const int twin : {4, 8}) {  // of row 0 and its class: a tie of three
    q[twin].copy_(q[0]);
    d[twin].copy_(d[0]);
  }
  for (auto* bank : {&plain, &ranked}) {
    bank->update(at::arange(11, at::kLong), q, d);
    end_epoch_alone(*bank);
  }
  const auto u = values(plain.uncertainty()), rank = values(ranked.uncertainty());
  const auto y = values(hard());
  for (std::size_t i = 0; i < 11; ++i) {
    double below = 0, equal = 0, count = 0;
    for (std::size_t j = 0; j < 11; ++j) {
      if (y[j] != y[i]) continue;
      below += u[j] < u[i] ? 1 : 0;
      equal += u[j] == u[i] ? 1 : 0;
      count += 1;
    }
    EXPECT_NEAR(rank[i], (below + equal / 2) / count, 1e-6);
  }
  EXPECT_EQ(rank[11], 0);
}

TEST(UncertaintyBank, TiesShareTheirRank) {
  UncertaintyBank bank(labels(), hard(), {.rank_within_class = true});
  bank.update(all(), posteriors(1, 3).repeat({kSamples, 1}), {});
  end_epoch_alone(bank);
  EXPECT_TRUE((bank.uncertainty() == 0.5).all().item<bool>());
}

TEST(UncertaintyBank, AblationsTakeUncertaintyOutOfWeightAndBetaOnly) {
  UncertaintyBank bank(labels(), hard(), {.weight_samples = false, .constant = true}), full(labels(), hard(), {});
  for (auto* each : {&bank, &full}) {
    visit(*each, {0, 1, 2}, 1);
    end_epoch_alone(*each);
  }
  const auto seen = bank.rows(rows({0, 1, 2, 3}));
  EXPECT_EQ(values(seen.uncertainty), (std::vector<double>{0.5, 0.5, 0.5, 0}));
  EXPECT_TRUE((seen.weight == 1).all().item<bool>());
  EXPECT_TRUE(bank.uncertainty().equal(full.uncertainty()));
}

TEST(UncertaintyBank, NewSnapshotsLieWhereTheOldOnesWere) {
  UncertaintyBank bank(labels(), hard(), {.rank_within_class = true});
  const auto places = [&] {
    std::vector<const void*> all = {bank.visits().data_ptr(), bank.uncertainty().data_ptr(),
                                    bank.disagreement().data_ptr()};
    for (const comm::NamedTensor& item : bank.snapshot()) all.push_back(item.tensor.data_ptr());
    return all;
  };
  const auto before = places();
  visit(bank, {0, 1, 2}, 1);
  end_epoch_alone(bank);
  EXPECT_GT(values(bank.uncertainty())[0], 0);
  EXPECT_EQ(places(), before);
}

TEST(UncertaintyBank, GivesTheBatchItsLabelsAndKeepsNoGradient) {
  UncertaintyBank bank(labels(), hard(), {});
  EXPECT_TRUE(bank.labels(rows({7, 2})).equal(labels().index_select(0, rows({7, 2}))));
  EXPECT_TRUE(bank.hard_labels(rows({7, 2})).equal(at::tensor({0, 2}, at::kLong)));
  bank.update(rows({0}), posteriors(1, 1).requires_grad_(true), {});
  end_epoch_alone(bank);
  EXPECT_FALSE(bank.rows(all()).posterior.requires_grad());
  EXPECT_THROW(UncertaintyBank(labels(), hard().narrow(0, 0, 3), {}), std::invalid_argument);
}

}  // namespace
}  // namespace penumbra::trainer
