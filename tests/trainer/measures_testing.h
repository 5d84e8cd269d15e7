#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/plan/philox.h"
#include "data/store/sample_set.h"
#include "trainer/evaluation/face_columns.h"

namespace penumbra::trainer {

using Table = std::vector<std::vector<double>>;

inline std::vector<float> flat(const Table& rows) {
  std::vector<float> out;
  for (const auto& row : rows) out.insert(out.end(), row.begin(), row.end());
  return out;
}

inline data::SampleSet set_of(std::vector<std::int32_t> labels, std::size_t classes) {
  data::SampleSet set;
  for (std::size_t c = 0; c < classes; ++c) set.info.classes.push_back(std::to_string(c));
  set.labels = std::move(labels);
  return set;
}

/// A set with votes (two columns beside the classes), clean labels and the truth, posteriors of it and what banks say.
struct Measured {
  FaceColumns columns() const { return FaceColumns(posterior, set, bank); }

  data::SampleSet set;
  std::vector<float> posterior;
  BankScores bank;
};

/// What a net that is right with `skill` (and otherwise guesses) says of the faces of a set. Some posteriors are equal.
inline std::vector<float> random_posterior(const data::SampleSet& set, double skill, std::uint64_t seed) {
  const auto classes = static_cast<std::size_t>(set.classes());
  std::vector<float> out;
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    data::Draws draws(seed, data::Purpose::probe, 1, static_cast<std::uint32_t>(i));
    const std::size_t top =
        draws.chance(skill) ? static_cast<std::size_t>(set.labels[i]) : static_cast<std::size_t>(draws.below(classes));
    const double sharp = 0.1 * static_cast<double>(1 + draws.below(7));
    for (std::size_t c = 0; c < classes; ++c) {
      out.push_back(static_cast<float>((1 - sharp) / static_cast<double>(classes) + (c == top ? sharp : 0)));
    }
  }
  return out;
}

inline Measured random_measured(std::size_t faces, std::size_t classes, std::uint64_t seed) {
  Measured out{set_of({}, classes), {}, {}};
  for (const char* column : {"unknown", "NF"}) out.set.info.vote_columns.emplace_back(column);
  for (std::size_t i = 0; i < faces; ++i) {
    data::Draws draws(seed, data::Purpose::probe, 0, static_cast<std::uint32_t>(i));
    const auto clean = static_cast<std::int32_t>(draws.below(classes));
    out.set.clean_labels.push_back(clean);
    out.set.labels.push_back(draws.chance(0.2) ? static_cast<std::int32_t>(draws.below(classes)) : clean);
    std::vector<float> votes(classes + 2, 0);
    ++votes[static_cast<std::size_t>(clean)];
    for (int voter = 0; voter < 9; ++voter) {
      ++votes[draws.chance(0.3) ? static_cast<std::size_t>(clean) : draws.below(classes + 2)];
    }
    out.set.votes.insert(out.set.votes.end(), votes.begin(), votes.end());
    const double sharp = draws.uniform();
    for (std::size_t c = 0; c < classes; ++c) {
      out.set.distribution.push_back(static_cast<float>((1 - sharp) / static_cast<double>(classes) +
                                                        (c == static_cast<std::size_t>(clean) ? sharp : 0)));
    }
    out.bank.uncertainty.push_back(0.1 * static_cast<double>(draws.below(10)));
    out.bank.disagreement.push_back(0.1 * static_cast<double>(draws.below(10)));
  }
  out.posterior = random_posterior(out.set, 0.6, seed);
  return out;
}

template <typename T>
void append_row(std::vector<T>& to, const std::vector<T>& from, std::size_t row, std::size_t rows) {
  const std::size_t width = from.size() / rows;
  to.insert(to.end(), from.begin() + row * width, from.begin() + (row + 1) * width);
}

/// The faces of these rows, each as often as it is named: what a resample is, written out.
inline Measured taken(const Measured& from, std::span<const std::size_t> rows) {
  Measured out;
  out.set.info = from.set.info;
  const std::size_t count = from.set.labels.size();
  for (const std::size_t row : rows) {
    append_row(out.set.labels, from.set.labels, row, count);
    append_row(out.set.clean_labels, from.set.clean_labels, row, count);
    append_row(out.set.votes, from.set.votes, row, count);
    append_row(out.set.distribution, from.set.distribution, row, count);
    append_row(out.posterior, from.posterior, row, count);
    append_row(out.bank.uncertainty, from.bank.uncertainty, row, count);
    append_row(out.bank.disagreement, from.bank.disagreement, row, count);
  }
  return out;
}

/// The rows that resample `resample` draws.
inline std::vector<std::size_t> drawn_rows(std::size_t faces, std::uint32_t resample, std::uint64_t seed) {
  data::Draws draws(seed, data::Purpose::bootstrap, 0, resample);
  std::vector<std::size_t> out(faces);
  for (std::size_t& row : out) row = draws.below(faces);
  return out;
}

/// Share of (positive, other) pairs with the positive above; half for equal ones.
inline double slow_auroc(const std::vector<double>& score, const std::vector<bool>& positive) {
  double right = 0, pairs = 0;
  for (std::size_t i = 0; i < score.size(); ++i) {
    for (std::size_t j = 0; j < score.size(); ++j) {
      if (!positive[i] || positive[j]) continue;
      ++pairs;
      right += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
    }
  }
  return right / pairs;
}

}  // namespace penumbra::trainer
