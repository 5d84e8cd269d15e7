#include "data/import/rafdb.h"

#include <array>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "data/error.h"
#include "data/import/listed_images.h"
#include "data/import/rafdb_people.h"
#include "data/import/word_lines.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;

constexpr int kAlignedSide = 100;
constexpr std::size_t kClasses = 7;
constexpr std::string_view kEnding = ".jpg";

using Shares = std::array<float, kClasses>;
using Distributions = std::unordered_map<std::string, Shares>;

StoreInfo rafdb_info(const RafdbOptions& options, bool has_votes) {
  StoreInfo info;
  info.classes = {"surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"};
  if (has_votes) info.vote_columns = info.classes;
  info.image_size = options.size > 0 ? options.size : kAlignedSide;
  info.channels = options.channels;
  info.source = "RAF-DB";
  info.label_rule = "given";
  return info;
}

Distributions read_distributions(const fs::path& file) {
  Distributions found;
  for (const WordLine& line : read_word_lines(file, 1 + kClasses)) {
    Shares shares{};
    for (std::size_t i = 0; i < kClasses; ++i) {
      const std::string& word = line.words[1 + i];
      if (!parse_whole(word, shares[i]) || !std::isfinite(shares[i]) || shares[i] < 0 || shares[i] > 1)
        fail_at(file, line.line, quoted(word) + " is no share from 0 to 1");
    }
    if (std::accumulate(shares.begin(), shares.end(), 0.0f) <= 0)
      fail_at(file, line.line, line.words[0] + " has no share of any emotion");
    if (!found.emplace(line.words[0], shares).second) fail_at(file, line.line, line.words[0] + " is there twice");
  }
  return found;
}

/// Whether `name` is {split}_*.jpg in no other folder.
bool belongs_to(const std::string& name, const std::string& split) {
  return name.starts_with(split + "_") && name.ends_with(kEnding) && name.find('/') == std::string::npos;
}

/// `name` with another ending.
std::string renamed(const std::string& name, const std::string& ending) {
  return name.substr(0, name.size() - kEnding.size()) + ending;
}

/// `folder` not there: nothing is known of the people.
void add_people(const fs::path& folder, ListedImages& split) {
  if (!fs::is_directory(folder)) return;
  std::vector<fs::path> files;
  for (const std::string& name : split.ids) files.push_back(folder / renamed(name, "_manu_attri.txt"));
  split.groups = read_rafdb_people(files);
}

/// `distributions` empty: there are none.
std::array<ListedImages, 2> read_list(const fs::path& dir, const fs::path& list, const fs::path& distribution_file,
                                      const Distributions& distributions) {
  std::array<ListedImages, 2> splits{{{"train", {}, {}, {}, {}, {}, 0}, {"test", {}, {}, {}, {}, {}, 0}}};
  std::unordered_set<std::string> seen;
  for (const WordLine& line : read_word_lines(list, 2)) {
    const std::string& name = line.words[0];
    if (!belongs_to(name, "train") && !belongs_to(name, "test"))
      fail_at(list, line.line, quoted(name) + " is neither train_*.jpg nor test_*.jpg");
    if (!seen.insert(name).second) fail_at(list, line.line, name + " is there twice");
    std::int32_t label = 0;
    if (!parse_whole(line.words[1], label) || label < 1 || label > static_cast<int>(kClasses))
      fail_at(list, line.line, "the label is " + quoted(line.words[1]) + ", expected 1 to 7");
    ListedImages& split = splits[belongs_to(name, "train") ? 0 : 1];
    split.files.push_back(dir / "Image/aligned" / renamed(name, "_aligned.jpg"));
    split.labels.push_back(label - 1);
    split.ids.push_back(name);
    if (distributions.empty()) continue;
    const auto shares = distributions.find(name);
    if (shares == distributions.end())
      throw DataError(distribution_file.string() + ": has no line for " + name + ", which " + list.string() + " lists");
    split.votes.insert(split.votes.end(), shares->second.begin(), shares->second.end());
  }
  return splits;
}

}  // namespace

ImportReport import_rafdb(const fs::path& dir, const fs::path& out, const RafdbOptions& options) {
  if (!fs::is_directory(dir)) throw DataError(dir.string() + ": no such folder");
  const fs::path list = dir / "EmoLabel/list_patition_label.txt";
  const fs::path distribution_file = dir / "EmoLabel/distribution_basic.txt";
  Distributions distributions;
  if (fs::exists(distribution_file)) {
    distributions = read_distributions(distribution_file);
    if (distributions.empty()) throw DataError(distribution_file.string() + ": is empty");
  }
  auto splits = read_list(dir, list, distribution_file, distributions);
  for (ListedImages& split : splits) add_people(dir / "Annotation/manual", split);
  const StoreInfo info = rafdb_info(options, !distributions.empty());
  StoreWriter writer(out, info);
  ImportReport report;
  for (const ListedImages& split : splits) {
    const FitImage fit = fit_to(info, split, options.size > 0, "the aligned images of RAF-DB are");
    import_listed(split, fit, options.common, list.string() + " lists no usable image of it", writer, info, report);
  }
  if (report.splits.empty()) throw DataError(list.string() + ": lists no usable image");
  writer.commit();
  return report;
}

}  // namespace penumbra::data
