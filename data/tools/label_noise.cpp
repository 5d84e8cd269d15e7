#include "data/tools/label_noise.h"

#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <span>
#include <stdexcept>

#include "data/error.h"
#include "data/plan/shuffle.h"
#include "data/store/reader.h"
#include "data/tools/copy.h"

namespace penumbra::data {
namespace {

// The second part of a stream's key (Draws calls it the epoch).
constexpr std::uint32_t kWhichSamples = 0, kWhichClass = 1;

/// As many rows as the rate asks for: the first of a keyed shuffle.
std::vector<std::int64_t> noisy_rows(std::int64_t samples, double rate, std::uint64_t seed) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(samples));
  std::iota(rows.begin(), rows.end(), 0);
  Draws draws(seed, Purpose::label_noise, kWhichSamples, 0);
  shuffle(std::span(rows), draws);
  rows.resize(static_cast<std::size_t>(std::llround(rate * static_cast<double>(samples))));
  return rows;
}

/// Another class than `label`, each as likely.
std::int32_t wrong_class(std::int32_t label, std::int64_t classes, std::int64_t row, std::uint64_t seed) {
  Draws draws(seed, Purpose::label_noise, kWhichClass, static_cast<std::uint32_t>(row));
  const auto other = static_cast<std::int32_t>(draws.below(static_cast<std::uint64_t>(classes - 1)));
  return other < label ? other : other + 1;
}

/// The shortest decimal that means the number.
std::string text_of(double number) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

}  // namespace

SampleSet with_label_noise(SampleSet set, double rate, std::uint64_t seed) {
  if (!(rate >= 0 && rate <= 1)) throw std::invalid_argument("a noise rate of " + text_of(rate) + ": take 0 to 1");
  if (!set.clean_labels.empty()) throw std::invalid_argument("label noise on label noise");
  set.clean_labels = set.labels;
  for (const std::int64_t row : noisy_rows(set.size(), rate, seed)) {
    std::int32_t& label = set.labels[static_cast<std::size_t>(row)];
    label = wrong_class(label, set.classes(), row, seed);
  }
  return set;
}

std::vector<std::string> write_with_label_noise(const std::filesystem::path& store, const std::filesystem::path& out,
                                                double rate, std::uint64_t seed) {
  const StoreReader reader(store);
  SampleSet train = reader.open("train");
  if (!train.clean_labels.empty()) {
    throw DataError(store.string() + ": its training labels are noisy already (" + reader.info().label_rule +
                    "); start from the store that they came from");
  }
  train = with_label_noise(std::move(train), rate, seed);
  train.info.label_rule += " + noise " + text_of(rate) + " seed " + std::to_string(seed);
  StoreWriter writer(out, train.info);
  writer.write_split("train", train);
  copy_splits(reader, "train", writer, train.info);
  writer.commit();
  const auto wrong = std::llround(rate * static_cast<double>(train.size()));
  std::vector<std::string> lines = {"train: " + std::to_string(wrong) + " of " + std::to_string(train.size()) +
                                    " labels are wrong now; clean_labels has them as they were"};
  if (!train.votes.empty()) {
    lines.emplace_back(
        "note: the votes are as they were, so train.labels = \"votes\" does not see the noise; train on \"hard\"");
  }
  note_variants(reader, lines);
  return lines;
}

}  // namespace penumbra::data
