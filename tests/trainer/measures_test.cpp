#include "trainer/evaluation/measures.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/trainer/measures_testing.h"

namespace penumbra::trainer {
namespace {

/// Six faces, three classes, all numbers by hand. Predicted: 0, 1, 1, 2, 0, 2; class 2 is right once in two.
const Table kPosterior{{0.7, 0.2, 0.1},   {0.1, 0.8, 0.1},   {0.3, 0.4, 0.3},
                       {0.05, 0.05, 0.9}, {0.5, 0.25, 0.25}, {0.2, 0.2, 0.6}};
const std::vector<std::int32_t> kLabels{0, 1, 0, 2, 2, 1};

TEST(Measures, CountsAndMeansOverClassesEqualTheHandComputedOnes) {
  const Measures m = measure(flat(kPosterior), set_of(kLabels, 3));
  EXPECT_EQ(m.count, 6);
  const std::vector<std::vector<std::int64_t>> confusion{{1, 1, 0}, {0, 1, 1}, {1, 0, 1}};
  EXPECT_EQ(m.confusion, confusion);
  EXPECT_DOUBLE_EQ(m.accuracy, 0.5);
  EXPECT_DOUBLE_EQ(m.mean_class_accuracy, 0.5);
  EXPECT_DOUBLE_EQ(m.macro_f1, 0.5);
}

TEST(Measures, MeansOverClassesLeaveOutAbsentOnes) {
  // Classes 0 (3 faces, 2 right), 1 (1 face, right) and 3 (absent, but predicted once) of four.
  const Table p{{1, 0, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 1}, {0, 1, 0, 0}};
  const Measures m = measure(flat(p), set_of({0, 0, 0, 1}, 4));
  EXPECT_DOUBLE_EQ(m.accuracy, 0.75);
  EXPECT_DOUBLE_EQ(m.mean_class_accuracy, (2.0 / 3 + 1) / 2);
  EXPECT_DOUBLE_EQ(m.macro_f1, (4.0 / 5 + 1) / 2);
}

TEST(Measures, LikelihoodAndBrierEqualTheHandComputedOnes) {
  const Measures m = measure(flat(kPosterior), set_of(kLabels, 3));
  const double nll =
      -(std::log(0.7) + std::log(0.8) + std::log(0.3) + std::log(0.9) + std::log(0.25) + std::log(0.2)) / 6;
  EXPECT_NEAR(m.nll, nll, 1e-7);
  const double brier = (0.14 + 0.06 + 0.74 + 0.015 + 0.875 + 1.04) / 6;
  EXPECT_NEAR(m.brier, brier, 1e-7);
}

TEST(Measures, AZeroPosteriorOfTheLabelIsBadButFinite) {
  const Measures m = measure(flat({{1, 0}}), set_of({1}, 2));
  EXPECT_GT(m.nll, 80);
  EXPECT_TRUE(std::isfinite(m.nll));
  EXPECT_DOUBLE_EQ(m.brier, 2);
}

TEST(Measures, CalibrationErrorWeighsTheGapOfEachBinByItsFaces) {
  // Bins of width 1/15: .7 (10th), .8 (11th), .9 (13th), .4, .5, .6 stand alone.
  EXPECT_NEAR(measure(flat(kPosterior), set_of(kLabels, 3)).ece, (0.3 + 0.2 + 0.4 + 0.1 + 0.5 + 0.6) / 6, 1e-6);
  // Three faces in one bin, at .81, .82 and .83, two right: |2.46 - 2| / 3; certain and right adds nothing.
  const Table p{{0.81, 0.19}, {0.82, 0.18}, {0.83, 0.17}, {1, 0}};
  EXPECT_NEAR(measure(flat(p), set_of({0, 0, 1, 0}, 2)).ece, 0.46 / 4, 1e-6);
}

TEST(Measures, ErrorAurocAsksWhetherWrongFacesAreTheUncertainOnes) {
  // Entropies in order: .9 (right), .8 (right), .7 (right), .6 (wrong), .5 (wrong), .4 (wrong).
  EXPECT_DOUBLE_EQ(*measure(flat(kPosterior), set_of(kLabels, 3)).auroc_error, 1);
  EXPECT_FALSE(measure(flat({{0.9, 0.1}, {0.2, 0.8}}), set_of({0, 1}, 2)).auroc_error.has_value());
}

TEST(Measures, WithoutVotesAndTruthTheirMeasuresAreAbsent) {
  const Measures m = measure(flat(kPosterior), set_of(kLabels, 3));
  EXPECT_FALSE(m.majority_accuracy || m.kl_human || m.spearman_entropy || m.ceiling_accuracy ||
               m.spearman_true_entropy);
}

TEST(Measures, MajorityAccuracyFollowsTheFerPlusRule) {
  // Columns: three classes, unknown, NF. Predicted: 0, 1, 1, 2, 0, 2, 0, 1.
  data::SampleSet set = set_of({0, 0, 0, 0, 0, 0, 0, 0}, 3);
  set.info.vote_columns = {"c0", "c1", "c2", "unknown", "NF"};
  set.votes = flat({
      {6, 2, 0, 2, 0},  // 6 of 10: class 0, right
      {0, 5, 5, 0, 0},  // no majority
      {1, 4, 1, 1, 3},  // single votes dropped: 4 of 7, class 1, right
      {6, 1, 1, 1, 1},  // 6 of 6: class 0, wrong
      {1, 1, 0, 8, 0},  // unknown wins
      {3, 0, 0, 0, 7},  // NF wins
      {5, 3, 0, 2, 0},  // exactly half: dropped
      {1, 1, 1, 1, 1},  // nothing left
  });
  Table p = kPosterior;
  p.push_back({0.8, 0.1, 0.1});
  p.push_back({0.1, 0.8, 0.1});
  const auto accuracy = measure(flat(p), set).majority_accuracy;
  ASSERT_TRUE(accuracy.has_value());
  EXPECT_DOUBLE_EQ(*accuracy, 2.0 / 3);
}

TEST(Measures, MajorityAccuracyNeedsNoUnknownColumnAndIsAbsentWithoutAMajority) {
  data::SampleSet set = set_of({0, 0}, 3);
  set.info.vote_columns = {"c0", "c1", "c2"};
  set.votes = flat({{6, 4, 0}, {0, 4, 6}});
  const Table p{{0.8, 0.1, 0.1}, {0.1, 0.8, 0.1}};
  EXPECT_DOUBLE_EQ(*measure(flat(p), set).majority_accuracy, 0.5);
  set.votes = flat({{5, 5, 0}, {0.5, 0.4, 0.1}});
  EXPECT_FALSE(measure(flat(p), set).majority_accuracy.has_value());
}

TEST(Measures, HumanDivergenceLeavesOutUnknownVotesAndZeroVotes) {
  data::SampleSet set = set_of({0, 1}, 2);
  set.info.vote_columns = {"c0", "c1", "unknown"};
  set.votes = flat({{3, 1, 6}, {0, 5, 0}});
  const double first = 0.75 * std::log(0.75 / 0.6) + 0.25 * std::log(0.25 / 0.4);
  EXPECT_NEAR(*measure(flat({{0.6, 0.4}, {0.2, 0.8}}), set).kl_human, (first - std::log(0.8)) / 2, 1e-6);
  const std::vector<float> expected{0.75F, 0.25F, 0, 1};
  EXPECT_EQ(vote_distribution(set), expected);
  EXPECT_TRUE(vote_distribution(set_of({0}, 2)).empty());
}

TEST(Measures, EntropyRanksAreComparedWithVotesAndWithTheTruth) {
  data::SampleSet set = set_of({0, 0, 1, 0}, 2);
  set.info.vote_columns = {"c0", "c1"};
  set.votes = flat({{10, 0}, {9, 1}, {3, 7}, {5, 5}});
  set.distribution = flat({{0.5, 0.5}, {0.4, 0.6}, {0.2, 0.8}, {0.9, 0.1}});
  // Predicted entropies rank 1, 2, 4, 3; votes 1, 2, 3, 4: 1 - 6 * 2 / 60. Truth 4, 3, 2, 1: 1 - 6 * 18 / 60.
  const Measures m = measure(flat({{0.99, 0.01}, {0.9, 0.1}, {0.5, 0.5}, {0.7, 0.3}}), set);
  EXPECT_DOUBLE_EQ(*m.spearman_entropy, 0.8);
  EXPECT_DOUBLE_EQ(*m.spearman_true_entropy, -0.8);
  EXPECT_DOUBLE_EQ(*m.ceiling_accuracy, 0.75);  // arg max 0 (tie), 1, 1, 0 against 0, 0, 1, 0
}

TEST(Measures, ClasswiseCalibrationErrorIsTheMeanOfThatOfEachClass) {
  // Class 0: .81 and .82 in one bin, true once; class 1: .19 and .18 in one, true once; class 2: never claimed.
  const Table p{{0.81, 0.19, 0}, {0.82, 0.18, 0}};
  const double zero = std::abs(0.81 + 0.82 - 1) / 2, one = std::abs(0.19 + 0.18 - 1) / 2;
  EXPECT_NEAR(measure(flat(p), set_of({0, 1}, 3)).classwise_ece, (zero + one + 0) / 3, 1e-6);
}

TEST(Measures, RiskAreaIsTheMeanRiskOfEachFacesOwnCoverage) {
  // By rising entropy right, right, right, wrong, wrong, wrong: the best order there is.
  const Measures best = measure(flat(kPosterior), set_of(kLabels, 3));
  EXPECT_DOUBLE_EQ(best.aurc, (1.0 / 4 + 2.0 / 5 + 3.0 / 6) / 6);
  EXPECT_NEAR(best.e_aurc, 0, 1e-15);
  // Wrong, wrong, right, right in order; the best one has risks 0, 0, 1/3, 2/4.
  const Table p{{0.9, 0.1}, {0.8, 0.2}, {0.7, 0.3}, {0.6, 0.4}};
  const Measures worst = measure(flat(p), set_of({1, 1, 0, 0}, 2));
  EXPECT_DOUBLE_EQ(worst.aurc, (1 + 1 + 2.0 / 3 + 2.0 / 4) / 4);
  EXPECT_DOUBLE_EQ(worst.e_aurc, (1 + 1 + 1.0 / 3) / 4);
}

TEST(Measures, RiskAreaOfConstantUncertaintyIsTheErrorRate) {
  const Table p{{0.7, 0.3}, {0.7, 0.3}, {0.3, 0.7}, {0.7, 0.3}};
  EXPECT_DOUBLE_EQ(measure(flat(p), set_of({0, 0, 1, 1}, 2)).aurc, 0.25);
}

TEST(Measures, VotesAreComparedByDivergenceAndByAngle) {
  data::SampleSet set = set_of({0, 1}, 2);
  set.info.vote_columns = {"c0", "c1"};
  set.votes = flat({{4, 0}, {2, 2}});
  const Measures m = measure(flat({{0.5, 0.5}, {0.5, 0.5}}), set);
  // (1, 0) and (1/2, 1/2) have the middle (3/4, 1/4).
  EXPECT_NEAR(*m.js_human, (std::log(4.0 / 3) / 2 + (std::log(2.0 / 3) + std::log(2.0)) / 4) / 2, 1e-12);
  EXPECT_NEAR(*m.cosine_human, (std::sqrt(0.5) + 1) / 2, 1e-12);
  const Measures apart = measure(flat({{0, 1}, {0.5, 0.5}}), set);
  EXPECT_NEAR(*apart.js_human, std::log(2.0) / 2, 1e-12);
  EXPECT_NEAR(*apart.cosine_human, 0.5, 1e-12);
}

TEST(Measures, AmbiguousFacesAreThoseWithoutAVotedMajorityOfTheClasses) {
  data::SampleSet set = set_of({0, 0, 0, 0}, 3);
  set.info.vote_columns = {"c0", "c1", "c2", "unknown"};
  // 3 of 5, exactly half, 3 of 7, 3 of 4 with unknown left out: the second and the third are ambiguous.
  set.votes = flat({{3, 1, 1, 0}, {5, 5, 0, 0}, {3, 2, 2, 0}, {3, 1, 0, 6}});
  // Their entropies are above those of both others; then one of them is below both.
  const Table p{{0.8, 0.1, 0.1}, {0.6, 0.2, 0.2}, {0.5, 0.25, 0.25}, {0.9, 0.05, 0.05}};
  EXPECT_DOUBLE_EQ(*measure(flat(p), set).auroc_ambiguous, 1);
  const Table q{{0.8, 0.1, 0.1}, {0.9, 0.05, 0.05}, {0.5, 0.25, 0.25}, {0.6, 0.2, 0.2}};
  EXPECT_DOUBLE_EQ(*measure(flat(q), set).auroc_ambiguous, 0.5);
}

TEST(Measures, FlippedLabelsAreFoundByTheirPosterior) {
  data::SampleSet set = set_of({0, 0, 1, 1}, 2);
  const Table p{{0.9, 0.1}, {0.2, 0.8}, {0.4, 0.6}, {0.3, 0.7}};
  EXPECT_FALSE(measure(flat(p), set).auroc_noise.has_value());
  set.clean_labels = {0, 1, 1, 1};
  // The second is flipped: its label has .2, least of all, and its entropy is the second lowest.
  EXPECT_DOUBLE_EQ(*measure(flat(p), set).auroc_noise, 1);
  EXPECT_DOUBLE_EQ(*measure(flat(p), set).auroc_noise_entropy, 1.0 / 3);
  EXPECT_FALSE(measure(flat(p), set).auroc_noise_disagreement.has_value());
  const BankScores bank{{0.9, 0.5, 0.1, 0.7},
                        {0.1, 0.6, 0.8, 0.2}};  // two are above the second one's u, one above its n
  const Measures m = measure(FaceColumns(flat(p), set, bank));
  EXPECT_DOUBLE_EQ(*m.auroc_noise_uncertainty, 1.0 / 3);
  EXPECT_DOUBLE_EQ(*m.auroc_noise_disagreement, 2.0 / 3);
  set.clean_labels = set.labels;
  EXPECT_FALSE(measure(FaceColumns(flat(p), set, bank)).auroc_noise.has_value());
  EXPECT_FALSE(measure(FaceColumns(flat(p), set, bank)).auroc_noise_disagreement.has_value());
  EXPECT_THROW(FaceColumns(flat(p), set, BankScores{{0.5}, {0.5}}), std::invalid_argument);
}

TEST(Measures, ClassesHaveRecallPrecisionAndF1WhereThereIsAFaceToDivideBy) {
  // As in MeansOverClassesLeaveOutAbsentOnes; class 2 is neither there nor predicted.
  const Table p{{1, 0, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 1}, {0, 1, 0, 0}, {1, 0, 0, 0}};
  const auto classes = by_class(measure(flat(p), set_of({0, 0, 0, 1, 1}, 4)));
  ASSERT_EQ(classes.size(), 4U);
  EXPECT_EQ(classes[0].count, 3);
  EXPECT_DOUBLE_EQ(*classes[0].recall, 2.0 / 3);
  EXPECT_DOUBLE_EQ(*classes[0].precision, 2.0 / 3);
  EXPECT_DOUBLE_EQ(*classes[1].recall, 0.5);
  EXPECT_DOUBLE_EQ(*classes[1].precision, 1);
  EXPECT_DOUBLE_EQ(*classes[1].f1, 2.0 / 3);
  EXPECT_FALSE(classes[2].recall || classes[2].precision || classes[2].f1);
  EXPECT_FALSE(classes[3].recall.has_value());
  EXPECT_DOUBLE_EQ(*classes[3].precision, 0);
  EXPECT_DOUBLE_EQ(*classes[3].f1, 0);
}

/// By the definition: each face's risk among those at most as uncertain.
double slow_aurc(const std::vector<double>& uncertainty, const std::vector<bool>& wrong) {
  double sum = 0;
  for (const double own : uncertainty) {
    double answered = 0, errors = 0;
    for (std::size_t j = 0; j < uncertainty.size(); ++j) {
      if (uncertainty[j] > own) continue;
      ++answered;
      errors += wrong[j];
    }
    sum += errors / answered;
  }
  return sum / static_cast<double>(uncertainty.size());
}

double slow_entropy(const float* p, std::size_t classes) {
  double h = 0;
  for (std::size_t c = 0; c < classes; ++c) h -= p[c] > 0 ? p[c] * std::log(static_cast<double>(p[c])) : 0;
  return h;
}

TEST(Measures, EqualASlowReferenceOnRandomFaces) {
  constexpr std::size_t kFaces = 211, kClasses = 5;
  const Measured faces = random_measured(kFaces, kClasses, 5);
  const std::vector<float> votes = vote_distribution(faces.set);
  std::vector<double> entropy, doubt, in_order;
  std::vector<bool> wrong, split, flipped;
  double js = 0, cosine = 0, errors = 0;
  for (std::size_t i = 0; i < kFaces; ++i) {
    const float* p = faces.posterior.data() + i * kClasses;
    const float* v = votes.data() + i * kClasses;
    const auto label = static_cast<std::size_t>(faces.set.labels[i]);
    entropy.push_back(slow_entropy(p, kClasses));
    doubt.push_back(1 - static_cast<double>(p[label]));
    wrong.push_back(std::max_element(p, p + kClasses) != p + label);
    errors += wrong.back();
    split.push_back(2 * *std::max_element(v, v + kClasses) <= 1);
    flipped.push_back(faces.set.labels[i] != faces.set.clean_labels[i]);
    std::vector<float> middle;
    for (std::size_t c = 0; c < kClasses; ++c) middle.push_back((p[c] + v[c]) / 2);
    js += slow_entropy(middle.data(), kClasses) - (slow_entropy(p, kClasses) + slow_entropy(v, kClasses)) / 2;
    const double dot = std::inner_product(p, p + kClasses, v, 0.0), pp = std::inner_product(p, p + kClasses, p, 0.0);
    cosine += dot / std::sqrt(pp * std::inner_product(v, v + kClasses, v, 0.0));
  }
  for (std::size_t i = 0; i < kFaces; ++i) in_order.push_back((wrong[i] ? 1e6 : 0) + static_cast<double>(i));
  const Measures m = measure(faces.columns());
  EXPECT_NEAR(*m.js_human, js / kFaces, 1e-6);
  EXPECT_NEAR(*m.cosine_human, cosine / kFaces, 1e-6);
  EXPECT_NEAR(*m.auroc_error, slow_auroc(entropy, wrong), 1e-12);
  EXPECT_NEAR(*m.auroc_ambiguous, slow_auroc(entropy, split), 1e-12);
  EXPECT_NEAR(*m.auroc_noise, slow_auroc(doubt, flipped), 1e-12);
  EXPECT_NEAR(*m.auroc_noise_entropy, slow_auroc(entropy, flipped), 1e-12);
  EXPECT_NEAR(m.aurc, slow_aurc(entropy, wrong), 1e-12);
  EXPECT_NEAR(m.e_aurc, slow_aurc(entropy, wrong) - slow_aurc(in_order, wrong), 1e-12);
  EXPECT_NEAR(m.accuracy, 1 - errors / kFaces, 1e-12);
}

/// Bin by bin, in double, with the bins' edges.
TEST(Measures, CalibrationErrorsEqualASlowReferenceOnRandomFaces) {
  constexpr std::size_t kFaces = 307, kClasses = 4;
  const Measured faces = random_measured(kFaces, kClasses, 6);
  double classwise = 0, top = 0;
  for (int bin = 0; bin < 15; ++bin) {
    const auto inside = [bin](float p) { return p > bin / 15.0 && p <= (bin + 1) / 15.0; };
    double gap = 0;
    for (std::size_t i = 0; i < kFaces; ++i) {
      const float* p = faces.posterior.data() + i * kClasses;
      const float* best = std::max_element(p, p + kClasses);
      if (inside(*best)) gap += *best - (best == p + faces.set.labels[i]);
    }
    top += std::abs(gap) / kFaces;
    for (std::size_t c = 0; c < kClasses; ++c) {
      double class_gap = 0;
      for (std::size_t i = 0; i < kFaces; ++i) {
        const float p = faces.posterior[i * kClasses + c];
        if (inside(p)) class_gap += p - (faces.set.labels[i] == static_cast<std::int32_t>(c));
      }
      classwise += std::abs(class_gap) / kFaces / kClasses;
    }
  }
  const Measures m = measure(faces.columns());
  EXPECT_NEAR(m.ece, top, 1e-9);
  EXPECT_NEAR(m.classwise_ece, classwise, 1e-9);
}

TEST(Measures, AFaceThatCountsTwiceIsAFaceThatIsThereTwice) {
  const Measured faces = random_measured(60, 4, 7);
  std::vector<std::size_t> rows;
  std::vector<double> weights;
  for (std::size_t i = 0; i < 60; ++i) {
    weights.push_back(static_cast<double>(i * 7 % 4));
    rows.insert(rows.end(), i * 7 % 4, i);
  }
  const Measures expected = measure(taken(faces, rows).columns());
  const Measures m = measure(faces.columns(), weights);
  EXPECT_EQ(m.count, expected.count);
  EXPECT_EQ(m.confusion, expected.confusion);
  const auto mine = scalars(m), theirs = scalars(expected);
  ASSERT_EQ(mine.size(), theirs.size());
  for (std::size_t k = 0; k < mine.size(); ++k) {
    EXPECT_EQ(mine[k].name, theirs[k].name);
    EXPECT_NEAR(mine[k].value, theirs[k].value, 1e-12) << mine[k].name;
  }
}

TEST(Measures, RefusesPosteriorsThatDoNotFitTheSet) {
  EXPECT_THROW(measure(std::vector<float>{NAN, 1}, set_of({0}, 2)), std::invalid_argument);
  EXPECT_THROW(measure(std::vector<float>{1, 0, 0}, set_of({0}, 2)), std::invalid_argument);
  EXPECT_THROW(measure(std::vector<float>{}, set_of({}, 2)), std::invalid_argument);
}

}  // namespace
}  // namespace penumbra::trainer
