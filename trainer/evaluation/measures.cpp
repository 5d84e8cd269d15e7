#include "trainer/evaluation/measures.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace penumbra::trainer {
namespace {

using Rows = std::span<const float>;

std::size_t arg_max(Rows row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

double entropy(Rows row) {
  double h = 0;
  for (const float p : row) h -= p > 0 ? p * std::log(static_cast<double>(p)) : 0;
  return h;
}

/// -log p, finite for the zeros that fp32 posteriors have.
double surprise(float p) { return -std::log(static_cast<double>(std::max(p, FLT_MIN))); }

std::vector<double> entropies(Rows rows, std::size_t classes) {
  std::vector<double> out;
  for (std::size_t i = 0; i < rows.size(); i += classes) out.push_back(entropy(rows.subspan(i, classes)));
  return out;
}

/// 1-based ranks; ties share their mean.
std::vector<double> ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [values](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t k = begin; k < end; ++k) out[order[k]] = static_cast<double>(begin + end + 1) / 2;
  }
  return out;
}

std::optional<double> known(double value) { return std::isnan(value) ? std::nullopt : std::optional<double>(value); }

/// The class that a face's votes agree on (method.md, section 10), or -1: single votes are noise, and unknown or NF
/// may win too.
std::int64_t voted_class(Rows votes, std::size_t classes) {
  double sum = 0;
  for (const float v : votes) sum += v > 1 ? v : 0;
  const std::size_t best = arg_max(votes);
  const bool majority = votes[best] > 1 && votes[best] > sum / 2;
  return majority && best < classes ? static_cast<std::int64_t>(best) : -1;
}

std::optional<double> majority_accuracy(const std::vector<std::size_t>& predicted, const data::SampleSet& set) {
  if (set.votes.empty()) return std::nullopt;
  const std::size_t columns = set.votes.size() / predicted.size();
  std::int64_t kept = 0, right = 0;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    const std::int64_t voted =
        voted_class(Rows(set.votes).subspan(i * columns, columns), static_cast<std::size_t>(set.classes()));
    kept += voted >= 0;
    right += voted == static_cast<std::int64_t>(predicted[i]);
  }
  if (kept == 0) return std::nullopt;
  return static_cast<double>(right) / static_cast<double>(kept);
}

/// Accuracy, recall and F1 from the counts; means are over the classes that have faces.
void fill_from_confusion(Measures& m) {
  const std::size_t classes = m.confusion.size();
  std::int64_t right = 0, present = 0;
  double recall = 0, f1 = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    std::int64_t actual = 0, claimed = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      actual += m.confusion[c][k];
      claimed += m.confusion[k][c];
    }
    const std::int64_t hit = m.confusion[c][c];
    right += hit;
    if (actual == 0) continue;
    ++present;
    recall += static_cast<double>(hit) / static_cast<double>(actual);
    f1 += 2 * static_cast<double>(hit) / static_cast<double>(actual + claimed);
  }
  m.accuracy = static_cast<double>(right) / static_cast<double>(m.count);
  m.mean_class_accuracy = recall / static_cast<double>(present);
  m.macro_f1 = f1 / static_cast<double>(present);
}

/// Against the hard labels, one face after the other.
void fill_scores(Measures& m, Rows posterior, const data::SampleSet& set, const std::vector<std::size_t>& predicted) {
  const auto classes = static_cast<std::size_t>(set.classes());
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    const Rows row = posterior.subspan(i * classes, classes);
    const auto label = static_cast<std::size_t>(set.labels[i]);
    m.nll += surprise(row[label]);
    for (std::size_t c = 0; c < classes; ++c) m.brier += std::pow(static_cast<double>(row[c]) - (c == label), 2);
  }
  m.nll /= static_cast<double>(m.count);
  m.brier /= static_cast<double>(m.count);
}

/// Guo et al. (2017): bins (k/15, (k+1)/15] of the top posterior; the gaps weigh by their share of faces.
double calibration_error(Rows posterior, const data::SampleSet& set, const std::vector<std::size_t>& predicted) {
  constexpr int kBins = 15;
  const auto classes = static_cast<std::size_t>(set.classes());
  std::vector<double> gap(kBins, 0);
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    const double confidence = posterior[i * classes + predicted[i]];
    const int bin = std::clamp(static_cast<int>(std::ceil(confidence * kBins)) - 1, 0, kBins - 1);
    gap[static_cast<std::size_t>(bin)] += confidence - (static_cast<std::int64_t>(predicted[i]) == set.labels[i]);
  }
  double sum = 0;
  for (const double g : gap) sum += std::abs(g);
  return sum / static_cast<double>(predicted.size());
}

double mean_kl(Rows target, Rows posterior) {
  double sum = 0;
  for (std::size_t k = 0; k < target.size(); ++k) {
    if (target[k] > 0) sum += target[k] * (std::log(static_cast<double>(target[k])) + surprise(posterior[k]));
  }
  return sum;
}

void check(Rows posterior, const data::SampleSet& set) {
  if (set.size() == 0) throw std::invalid_argument("measure: the set is empty");
  if (static_cast<std::int64_t>(posterior.size()) != set.size() * set.classes()) {
    throw std::invalid_argument("measure: " + std::to_string(posterior.size()) + " posteriors do not fit " +
                                std::to_string(set.size()) + " faces of " + std::to_string(set.classes()) + " classes");
  }
}

}  // namespace

Measures measure(Rows posterior, const data::SampleSet& set) {
  check(posterior, set);
  const auto classes = static_cast<std::size_t>(set.classes()), count = static_cast<std::size_t>(set.size());
  Measures m;
  m.count = set.size();
  m.confusion.assign(classes, std::vector<std::int64_t>(classes, 0));
  std::vector<std::size_t> predicted(count);
  std::vector<std::uint8_t> wrong(count);
  for (std::size_t i = 0; i < count; ++i) {
    predicted[i] = arg_max(posterior.subspan(i * classes, classes));
    ++m.confusion[static_cast<std::size_t>(set.labels[i])][predicted[i]];
    wrong[i] = static_cast<std::int64_t>(predicted[i]) != set.labels[i];
  }
  fill_from_confusion(m);
  fill_scores(m, posterior, set, predicted);
  m.ece = calibration_error(posterior, set, predicted);
  m.majority_accuracy = majority_accuracy(predicted, set);
  const std::vector<double> uncertainty = entropies(posterior, classes);
  m.auroc_error = known(auroc(uncertainty, wrong));
  if (const std::vector<float> votes = vote_distribution(set); !votes.empty()) {
    m.kl_human = mean_kl(votes, posterior) / static_cast<double>(count);
    m.spearman_entropy = known(spearman(uncertainty, entropies(votes, classes)));
  }
  if (!set.distribution.empty()) {
    std::int64_t right = 0;
    for (std::size_t i = 0; i < count; ++i) {
      right +=
          static_cast<std::int64_t>(arg_max(Rows(set.distribution).subspan(i * classes, classes))) == set.labels[i];
    }
    m.ceiling_accuracy = static_cast<double>(right) / static_cast<double>(count);
    m.spearman_true_entropy = known(spearman(uncertainty, entropies(set.distribution, classes)));
  }
  return m;
}

double spearman(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) throw std::invalid_argument("spearman: the two samples differ in size");
  const std::vector<double> ra = ranks(a), rb = ranks(b);
  const double mean = (static_cast<double>(a.size()) + 1) / 2;
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < ra.size(); ++i) {
    aa += (ra[i] - mean) * (ra[i] - mean);
    bb += (rb[i] - mean) * (rb[i] - mean);
    ab += (ra[i] - mean) * (rb[i] - mean);
  }
  if (aa == 0 || bb == 0) return std::numeric_limits<double>::quiet_NaN();
  return ab / std::sqrt(aa * bb);
}

double auroc(std::span<const double> score, std::span<const std::uint8_t> positive) {
  if (score.size() != positive.size()) throw std::invalid_argument("auroc: scores and truth differ in size");
  const std::vector<double> rank = ranks(score);
  double positives = 0, rank_sum = 0;
  for (std::size_t i = 0; i < rank.size(); ++i) {
    if (positive[i] == 0) continue;
    ++positives;
    rank_sum += rank[i];
  }
  const double negatives = static_cast<double>(score.size()) - positives;
  if (positives == 0 || negatives == 0) return std::numeric_limits<double>::quiet_NaN();
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

std::vector<float> vote_distribution(const data::SampleSet& set) {
  if (set.votes.empty()) return {};
  const auto classes = static_cast<std::size_t>(set.classes()), count = static_cast<std::size_t>(set.size());
  const std::size_t columns = set.votes.size() / count;
  std::vector<float> out(count * classes);
  for (std::size_t i = 0; i < count; ++i) {
    const Rows row = Rows(set.votes).subspan(i * columns, classes);
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    if (!(sum > 0)) throw std::invalid_argument("vote_distribution: row " + std::to_string(i) + " has no emotion vote");
    for (std::size_t c = 0; c < classes; ++c) out[i * classes + c] = static_cast<float>(row[c] / sum);
  }
  return out;
}

}  // namespace penumbra::trainer
