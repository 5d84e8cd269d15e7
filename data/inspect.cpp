#include "data/inspect.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>

#include <nlohmann/json.hpp>

#include "data/error.h"
#include "data/store/reader.h"
#include "data/store/schema.h"
#include "data/store/split_ids.h"

namespace penumbra::data {
namespace {

constexpr std::ptrdiff_t kMostListedValues = 20;

std::string hex(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

/// Of a sample's votes over the classes.
struct VoteShares {
  double label, most;  ///< share on the label, and on the class that has most
  double entropy;      ///< nats
};

VoteShares shares_of(std::span<const float> votes, std::size_t label) {
  double total = 0, most = 0;
  for (const float count : votes) {
    total += count;
    most = std::max<double>(most, count);
  }
  double entropy = 0;
  for (const float count : votes) {
    if (count > 0) entropy -= count / total * std::log(count / total);
  }
  return {votes[label] / total, most / total, entropy};
}

/// Sums over samples.
struct VoteSums {
  double samples = 0, agreement = 0, entropy = 0, unanimous = 0, majority = 0;

  void add(const VoteShares& shares) {
    samples += 1;
    agreement += shares.label;
    entropy += shares.entropy;
    unanimous += shares.most == 1;
    majority += shares.most > 0.5;
  }
};

/// null where there are no samples.
nlohmann::json means(const VoteSums& sums) {
  if (sums.samples == 0) return nullptr;
  return {{"agreement", sums.agreement / sums.samples},
          {"mean_entropy", sums.entropy / sums.samples},
          {"unanimous", sums.unanimous / sums.samples},
          {"majority", sums.majority / sums.samples}};
}

nlohmann::json vote_statistics(const SampleSet& set) {
  if (set.votes.empty()) return nullptr;
  const std::size_t classes = set.info.classes.size(), columns = set.info.vote_columns.size();
  VoteSums all;
  std::vector<VoteSums> of_class(classes);
  for (std::size_t row = 0; row < set.labels.size(); ++row) {
    const auto label = static_cast<std::size_t>(set.labels[row]);
    const VoteShares shares = shares_of(std::span(set.votes).subspan(row * columns, classes), label);
    all.add(shares);
    of_class[label].add(shares);
  }
  nlohmann::json statistics = means(all);
  for (std::size_t c = 0; c < classes; ++c) statistics["classes"][set.info.classes[c]] = means(of_class[c]);
  return statistics;
}

/// Share of the samples whose label is not the clean one; null where no clean labels are known.
nlohmann::json label_noise(const SampleSet& set) {
  if (set.clean_labels.empty()) return nullptr;
  std::int64_t wrong = 0;
  for (std::size_t row = 0; row < set.labels.size(); ++row) wrong += set.labels[row] != set.clean_labels[row];
  return static_cast<double>(wrong) / static_cast<double>(set.size());
}

nlohmann::json inspect_column(const GroupColumn& column) {
  std::vector<std::int64_t> faces(column.values.size());
  std::int64_t unknown = 0;
  for (const std::int32_t code : column.codes)
    ++(code == kUnknownGroup ? unknown : faces[static_cast<std::size_t>(code)]);
  const auto values = std::count_if(faces.begin(), faces.end(), [](std::int64_t count) { return count > 0; });
  nlohmann::json listed = nlohmann::json::array();
  for (std::size_t k = 0; k < faces.size(); ++k) {
    if (faces[k] > 0) listed.push_back(nlohmann::json::array({column.values[k], faces[k]}));
  }
  if (values > kMostListedValues) listed = nullptr;
  return {{"values", values}, {"faces", listed}, {"unknown", unknown}};
}

nlohmann::json inspect_groups(const SampleSet& set) {
  nlohmann::json groups = nlohmann::json::object();
  for (const GroupColumn& column : set.groups) groups[column.name] = inspect_column(column);
  return groups;
}

nlohmann::json inspect_split(const SampleSet& set) {
  nlohmann::json split = inspect(set);
  split["fingerprint"] = hex(fingerprint(set));
  return split;
}

std::string verified_line(const std::string& split, const SampleSet& set) {
  std::string line = split + ": " + std::to_string(set.size()) + " images of " + std::to_string(set.info.image_size) +
                     "x" + std::to_string(set.info.image_size) + "x" + std::to_string(set.info.channels) +
                     " with labels and ids";
  if (!set.votes.empty()) line += ", votes";
  if (!set.distribution.empty()) line += ", distributions";
  if (!set.clean_labels.empty()) line += ", clean labels";
  if (!set.groups.empty()) line += ", groups";
  return line + " are whole and in range";
}

}  // namespace

nlohmann::json inspect(const std::filesystem::path& file) {
  const StoreReader reader(file);
  const StoreInfo& info = reader.info();
  nlohmann::json splits = nlohmann::json::object();
  for (const std::string& split : reader.splits()) splits[split] = inspect_split(reader.load(split));
  return {{"file", file.string()},         {"version", kFormatVersion},
          {"classes", info.classes},       {"vote_columns", info.vote_columns},
          {"image_size", info.image_size}, {"channels", info.channels},
          {"source", info.source},         {"label_rule", info.label_rule},
          {"variants", reader.variants()}, {"splits", splits}};
}

nlohmann::json inspect(const SampleSet& set) {
  std::vector<std::int64_t> counts(set.info.classes.size());
  for (const std::int32_t label : set.labels) ++counts[static_cast<std::size_t>(label)];
  nlohmann::json class_counts = nlohmann::json::object();
  for (std::size_t c = 0; c < counts.size(); ++c) class_counts[set.info.classes[c]] = counts[c];
  return {{"count", set.size()},
          {"class_counts", class_counts},
          {"votes", vote_statistics(set)},
          {"distribution", !set.distribution.empty()},
          {"label_noise", label_noise(set)},
          {"groups", inspect_groups(set)}};
}

std::vector<std::string> verify(const std::filesystem::path& file) {
  const StoreReader reader(file);
  std::vector<std::string> lines;
  SplitIds ids;
  for (const std::string& split : reader.splits()) {
    const SampleSet set = reader.load(split);
    ids.add(split, set.ids, file.string());
    lines.push_back(verified_line(split, set));
  }
  if (lines.empty()) throw DataError(file.string() + ": has no split");
  lines.push_back("ids: none of " + std::to_string(ids.size()) + " is in two splits");
  return lines;
}

}  // namespace penumbra::data
