#include "trainer/evaluation/entropy_ceiling.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "data/plan/philox.h"
#include "trainer/evaluation/distributions.h"
#include "trainer/evaluation/ranking.h"

namespace penumbra::trainer {
namespace {

constexpr int kSplits = 10;
constexpr std::size_t kFewestFaces = 3;

using Counts = std::span<const float>;

bool are_counts(Counts votes) {
  return std::all_of(votes.begin(), votes.end(), [](float count) { return count == std::floor(count); });
}

/// The class of each vote.
std::vector<std::size_t> ballots_of(Counts votes) {
  std::vector<std::size_t> ballots;
  for (std::size_t c = 0; c < votes.size(); ++c) ballots.insert(ballots.end(), static_cast<std::size_t>(votes[c]), c);
  return ballots;
}

double entropy_of(std::span<const std::size_t> ballots, std::size_t classes) {
  std::vector<float> shares(classes, 0);
  for (const std::size_t c : ballots) shares[c] += 1 / static_cast<float>(ballots.size());
  std::sort(shares.begin(), shares.end());  // sums of equal shares are equal to the last bit
  return entropy(shares);
}

/// So many of the ballots, uniformly drawn, come to the front.
void draw_to_front(std::vector<std::size_t>& ballots, std::size_t count, data::Draws& draws) {
  for (std::size_t i = 0; i < count; ++i) std::swap(ballots[i], ballots[i + draws.below(ballots.size() - i)]);
}

/// Of the entropies of both halves of one split; NaN where there is none.
double correlation_of_halves(const data::SampleSet& set, std::uint32_t split) {
  const auto classes = static_cast<std::size_t>(set.classes());
  const std::size_t width = set.votes.size() / set.labels.size();
  std::vector<double> first, second;
  for (std::size_t row = 0; row < set.labels.size(); ++row) {
    std::vector<std::size_t> ballots = ballots_of(Counts(set.votes).subspan(row * width, classes));
    if (ballots.size() < 2) continue;
    const std::size_t half = ballots.size() / 2;
    data::Draws draws(0, data::Purpose::vote_halves, split, static_cast<std::uint32_t>(row));
    draw_to_front(ballots, half, draws);
    first.push_back(entropy_of(std::span(ballots).first(half), classes));
    second.push_back(entropy_of(std::span(ballots).subspan(half), classes));
  }
  return first.size() < kFewestFaces ? NAN : spearman(first, second);
}

}  // namespace

std::optional<double> entropy_ceiling(const data::SampleSet& set) {
  if (set.votes.empty() || !are_counts(set.votes)) return std::nullopt;
  double sum = 0;
  for (std::uint32_t split = 0; split < kSplits; ++split) sum += correlation_of_halves(set, split);
  const double r = sum / kSplits;
  if (!(r > 0)) return std::nullopt;
  return std::sqrt(2 * r / (1 + r));
}

}  // namespace penumbra::trainer
