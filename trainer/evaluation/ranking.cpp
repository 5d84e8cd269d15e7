#include "trainer/evaluation/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace penumbra::trainer {
namespace {

/// 1-based ranks in a sample that holds each face as often as its weight says; ties share their mean.
std::vector<double> ranks(const Ranking& ranking, Weights weights) {
  std::vector<double> out(ranking.size());
  double below = 0;
  ranking.each_score([&](std::span<const std::uint32_t> faces) {
    double here = 0;
    for (const std::uint32_t i : faces) here += weights[i];
    for (const std::uint32_t i : faces) out[i] = below + (here + 1) / 2;
    below += here;
  });
  return out;
}

}  // namespace

Ranking::Ranking(std::span<const double> scores) : order_(scores.size()) {
  std::iota(order_.begin(), order_.end(), std::uint32_t{0});
  std::sort(order_.begin(), order_.end(), [scores](std::uint32_t a, std::uint32_t b) { return scores[a] < scores[b]; });
  for (std::uint32_t k = 1; k <= order_.size(); ++k) {
    if (k == order_.size() || scores[order_[k]] != scores[order_[k - 1]]) ends_.push_back(k);
  }
}

double auroc(const Ranking& score, std::span<const std::uint8_t> positive, Weights weights) {
  double positives = 0, negatives = 0, right = 0;  // right: pairs in the right order
  score.each_score([&](std::span<const std::uint32_t> faces) {
    double here = 0, all = 0;
    for (const std::uint32_t i : faces) {
      all += weights[i];
      here += positive[i] != 0 ? weights[i] : 0;
    }
    right += here * (negatives + (all - here) / 2);
    positives += here;
    negatives += all - here;
  });
  if (positives == 0 || negatives == 0) return std::numeric_limits<double>::quiet_NaN();
  return right / (positives * negatives);
}

double auroc(std::span<const double> score, std::span<const std::uint8_t> positive) {
  if (score.size() != positive.size()) throw std::invalid_argument("auroc: scores and truth differ in size");
  return auroc(Ranking(score), positive, std::vector<double>(score.size(), 1));
}

double spearman(const Ranking& a, const Ranking& b, Weights weights) {
  const std::vector<double> ra = ranks(a, weights), rb = ranks(b, weights);
  const double mean = (std::accumulate(weights.begin(), weights.end(), 0.0) + 1) / 2;
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < ra.size(); ++i) {
    const double da = ra[i] - mean, db = rb[i] - mean;
    aa += weights[i] * da * da;
    bb += weights[i] * db * db;
    ab += weights[i] * da * db;
  }
  if (aa == 0 || bb == 0) return std::numeric_limits<double>::quiet_NaN();
  return ab / std::sqrt(aa * bb);
}

double spearman(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) throw std::invalid_argument("spearman: the two samples differ in size");
  return spearman(Ranking(a), Ranking(b), std::vector<double>(a.size(), 1));
}

std::vector<RiskAtCoverage> risk_coverage(const Ranking& uncertainty, std::span<const std::uint8_t> wrong,
                                          Weights weights) {
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<RiskAtCoverage> curve;
  double answered = 0, errors = 0;
  uncertainty.each_score([&](std::span<const std::uint32_t> faces) {
    double here = 0;
    for (const std::uint32_t i : faces) {
      here += weights[i];
      errors += wrong[i] != 0 ? weights[i] : 0;
    }
    answered += here;
    if (here > 0) curve.push_back({answered / all, errors / answered});
  });
  return curve;
}

double aurc(const Ranking& uncertainty, std::span<const std::uint8_t> wrong, Weights weights) {
  double area = 0, before = 0;
  for (const auto& [coverage, risk] : risk_coverage(uncertainty, wrong, weights)) {
    area += (coverage - before) * risk;
    before = coverage;
  }
  return area;
}

double best_aurc(double errors, double faces) {
  double sum = 0;
  for (double j = 1; j <= errors; ++j) sum += j / (faces - errors + j);
  return sum / faces;
}

}  // namespace penumbra::trainer
