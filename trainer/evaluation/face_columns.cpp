#include "trainer/evaluation/face_columns.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "trainer/evaluation/distributions.h"

namespace penumbra::trainer {
namespace {

using Row = std::span<const float>;

Ranking entropies(std::span<const float> rows, std::size_t classes) {
  std::vector<double> out;
  for (std::size_t i = 0; i < rows.size(); i += classes) out.push_back(entropy(rows.subspan(i, classes)));
  return Ranking(out);
}

/// -log p, finite for the zeros that fp32 posteriors have.
double surprise(float p) { return -std::log(static_cast<double>(std::max(p, FLT_MIN))); }

double brier_score(Row row, std::size_t label) {
  double sum = 0;
  for (std::size_t c = 0; c < row.size(); ++c) sum += std::pow(static_cast<double>(row[c]) - (c == label), 2);
  return sum;
}

double kl_divergence(Row target, Row row) {
  double sum = 0;
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (target[c] > 0) sum += target[c] * (std::log(static_cast<double>(target[c])) + surprise(row[c]));
  }
  return sum;
}

double cosine_similarity(Row a, Row b) {
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t c = 0; c < a.size(); ++c) {
    const double pa = a[c], pb = b[c];
    aa += pa * pa;
    bb += pb * pb;
    ab += pa * pb;
  }
  return ab / std::sqrt(aa * bb);
}

void add(CalibrationColumn& column, double probability, bool came_true) {
  constexpr auto kBins = static_cast<int>(kCalibrationBins);
  column.gap.push_back(probability - came_true);
  column.bin.push_back(
      static_cast<std::uint8_t>(std::clamp(static_cast<int>(std::ceil(probability * kBins)) - 1, 0, kBins - 1)));
}

/// The class that a face's votes agree on (method.md, section 10), or -1: single votes are noise, and unknown or NF
/// may win too.
std::int64_t voted_class(Row votes, std::size_t classes) {
  double sum = 0;
  for (const float v : votes) sum += v > 1 ? v : 0;
  const std::size_t best = arg_max(votes);
  const bool majority = votes[best] > 1 && votes[best] > sum / 2;
  return majority && best < classes ? static_cast<std::int64_t>(best) : -1;
}

void check(std::span<const float> posterior, const data::SampleSet& set) {
  if (set.size() == 0) throw std::invalid_argument("measure: the set is empty");
  if (static_cast<std::int64_t>(posterior.size()) != set.size() * set.classes()) {
    throw std::invalid_argument("measure: " + std::to_string(posterior.size()) + " posteriors do not fit " +
                                std::to_string(set.size()) + " faces of " + std::to_string(set.classes()) + " classes");
  }
  if (!std::all_of(posterior.begin(), posterior.end(), [](float p) { return std::isfinite(p); })) {
    throw std::invalid_argument("measure: a posterior is not finite");
  }
}

/// Against the hard label.
void add_label(FaceColumns& columns, Row row, std::size_t label) {
  const std::size_t predicted = arg_max(row);
  columns.label.push_back(static_cast<std::uint32_t>(label));
  columns.predicted.push_back(static_cast<std::uint32_t>(predicted));
  columns.wrong.push_back(predicted != label);
  columns.nll.push_back(surprise(row[label]));
  columns.brier.push_back(brier_score(row, label));
  add(columns.top, row[predicted], predicted == label);
  for (std::size_t c = 0; c < row.size(); ++c) add(columns.by_class, row[c], c == label);
}

/// `votes`: all columns of the face, `shares`: those of the classes, of sum 1.
void add_votes(FaceColumns& columns, Row row, Row votes, Row shares) {
  const std::int64_t voted = voted_class(votes, row.size());
  columns.kl.push_back(kl_divergence(shares, row));
  columns.js.push_back(js_divergence(shares, row));
  columns.cosine.push_back(cosine_similarity(shares, row));
  columns.split_vote.push_back(shares[arg_max(shares)] <= 0.5F);
  columns.majority.push_back(voted >= 0);
  columns.right_of_it.push_back(voted == static_cast<std::int64_t>(arg_max(row)));
}

void add_all_votes(FaceColumns& columns, std::span<const float> posterior, const data::SampleSet& set) {
  const std::vector<float> shares = vote_distribution(set);
  const std::size_t classes = columns.classes, width = set.votes.size() / columns.faces;
  for (std::size_t i = 0; i < columns.faces; ++i) {
    add_votes(columns, posterior.subspan(i * classes, classes), Row(set.votes).subspan(i * width, width),
              Row(shares).subspan(i * classes, classes));
  }
  columns.vote_entropy = entropies(shares, classes);
}

void add_clean_labels(FaceColumns& columns, std::span<const float> posterior, const data::SampleSet& set) {
  std::vector<double> doubt;
  for (std::size_t i = 0; i < columns.faces; ++i) {
    columns.flipped.push_back(set.labels[i] != set.clean_labels[i]);
    doubt.push_back(1 - static_cast<double>(posterior[i * columns.classes + columns.label[i]]));
  }
  columns.label_doubt = Ranking(doubt);
}

void add_bank(FaceColumns& columns, const BankScores& bank) {
  if (bank.uncertainty.size() != columns.faces || bank.disagreement.size() != columns.faces) {
    throw std::invalid_argument("measure: the banks are of other faces");
  }
  columns.bank_uncertainty = Ranking(bank.uncertainty);
  columns.bank_disagreement = Ranking(bank.disagreement);
}

void add_truth(FaceColumns& columns, const data::SampleSet& set) {
  const Row truth = set.distribution;
  for (std::size_t i = 0; i < columns.faces; ++i) {
    columns.truth_right.push_back(arg_max(truth.subspan(i * columns.classes, columns.classes)) == columns.label[i]);
  }
  columns.true_entropy = entropies(truth, columns.classes);
}

}  // namespace

FaceColumns::FaceColumns(std::span<const float> posterior, const data::SampleSet& set,
                         const std::optional<BankScores>& bank)
    : faces(static_cast<std::size_t>(set.size())), classes(static_cast<std::size_t>(set.classes())) {
  check(posterior, set);
  for (std::size_t i = 0; i < faces; ++i) {
    add_label(*this, posterior.subspan(i * classes, classes), static_cast<std::size_t>(set.labels[i]));
  }
  entropy = entropies(posterior, classes);
  if (!set.votes.empty()) add_all_votes(*this, posterior, set);
  if (!set.clean_labels.empty()) add_clean_labels(*this, posterior, set);
  if (bank) add_bank(*this, *bank);
  if (!set.distribution.empty()) add_truth(*this, set);
}

std::vector<float> vote_distribution(const data::SampleSet& set) {
  if (set.votes.empty()) return {};
  const auto classes = static_cast<std::size_t>(set.classes()), count = static_cast<std::size_t>(set.size());
  const std::size_t columns = set.votes.size() / count;
  std::vector<float> out(count * classes);
  for (std::size_t i = 0; i < count; ++i) {
    const Row row = Row(set.votes).subspan(i * columns, classes);
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    if (!(sum > 0)) throw std::invalid_argument("vote_distribution: row " + std::to_string(i) + " has no emotion vote");
    for (std::size_t c = 0; c < classes; ++c) out[i * classes + c] = static_cast<float>(row[c] / sum);
  }
  return out;
}

}  // namespace penumbra::trainer
