#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace penumbra::trainer {

/// How often each face counts, [N]: all 1, or its multiplicity in a resample. Not negative, the sum above 0.
using Weights = std::span<const double>;

/// Scores of N faces, sorted once: what depends on their ranks alone needs no sort for other weights. Not NaN.
class Ranking {
 public:
  Ranking() = default;
  explicit Ranking(std::span<const double> scores);

  std::size_t size() const { return order_.size(); }
  /// Calls `visit(faces)` with the faces of each score, a span of their indices, from the lowest score to the highest.
  template <typename Visit>
  void each_score(const Visit& visit) const {
    std::uint32_t begin = 0;
    for (const std::uint32_t end : ends_) {
      visit(std::span(order_).subspan(begin, end - begin));
      begin = end;
    }
  }

 private:
  std::vector<std::uint32_t> order_;  // faces by their scores
  std::vector<std::uint32_t> ends_;   // in order_, of each run of equal scores
};

/// Probability that a positive face has a higher score than another one; equal scores count half (Hanley & McNeil,
/// 1982). In [0, 1]; NaN with one kind of face only. positive: [N].
double auroc(const Ranking& score, std::span<const std::uint8_t> positive, Weights weights);
double auroc(std::span<const double> score, std::span<const std::uint8_t> positive);

/// Rank correlation, equal scores share their mean rank. In [-1, 1]; NaN when either is constant.
double spearman(const Ranking& a, const Ranking& b, Weights weights);
double spearman(std::span<const double> a, std::span<const double> b);

/// A point of the risk-coverage curve: the share of faces that are answered, and the share of errors among them.
struct RiskAtCoverage {
  double coverage = 0, risk = 0;
};

/// The curve of a net that answers the faces of low uncertainty first, one point a value of it that occurs (faces of
/// one value are answered together), by rising coverage (El-Yaniv & Wiener, 2010). wrong: [N].
std::vector<RiskAtCoverage> risk_coverage(const Ranking& uncertainty, std::span<const std::uint8_t> wrong,
                                          Weights weights);

/// AURC = 1/N sum over the faces i of the risk among all faces that are at most as uncertain as i (Geifman, Uziel &
/// El-Yaniv, "Bias-reduced uncertainty estimation for deep neural classifiers", ICLR 2019). In [0, 1], low is good.
double aurc(const Ranking& uncertainty, std::span<const std::uint8_t> wrong, Weights weights);

/// The AURC of an order that has every error last: 1/N sum_{j=1..E} j / (N - E + j) with E errors among N faces (the
/// same source, whose closed form is its limit). E-AURC = AURC - this one.
double best_aurc(double errors, double faces);

}  // namespace penumbra::trainer
