#include "data/tools/holdout.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include "data/error.h"
#include "data/plan/class_rows.h"
#include "data/plan/shuffle.h"
#include "data/store/rows.h"
#include "data/store/split_ids.h"
#include "data/tools/copy.h"

namespace penumbra::data {
namespace {

using Rows = std::vector<std::int64_t>;

// The second part of a stream's key (Draws calls it the epoch).
constexpr std::uint32_t kClassByClass = 0, kWholeGroups = 1;

/// How many of each class, by the method of largest remainders (Hamilton's).
std::vector<std::size_t> shares(const std::vector<Rows>& classes, double fraction, std::size_t total) {
  std::vector<std::size_t> share, order(classes.size());
  std::vector<double> remainder;
  for (const Rows& rows : classes) {
    const double exact = fraction * static_cast<double>(rows.size());
    share.push_back(static_cast<std::size_t>(exact));
    remainder.push_back(exact - std::floor(exact));
  }
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainder[a] > remainder[b]; });
  std::size_t left = total - std::accumulate(share.begin(), share.end(), std::size_t{0});
  for (const std::size_t c : order) {
    if (left == 0) break;
    if (share[c] == classes[c].size()) continue;
    ++share[c];
    --left;
  }
  return share;
}

/// Of each row, whether it is held out.
std::vector<bool> drawn(std::vector<Rows> classes, double fraction, std::int64_t samples, std::uint64_t seed) {
  const auto total = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(samples)));
  const auto share = shares(classes, fraction, total);
  std::vector<bool> held(static_cast<std::size_t>(samples));
  for (std::size_t c = 0; c < classes.size(); ++c) {
    Draws draws(seed, Purpose::holdout, kClassByClass, static_cast<std::uint32_t>(c));
    shuffle(std::span(classes[c]), draws);
    for (std::size_t i = 0; i < share[c]; ++i) held[static_cast<std::size_t>(classes[c][i])] = true;
  }
  return held;
}

/// Each group's rows; one of unknown group is alone.
std::vector<Rows> rows_by_group(const GroupColumn& column) {
  std::vector<Rows> groups(column.values.size());
  for (std::size_t row = 0; row < column.codes.size(); ++row) {
    const std::int32_t code = column.codes[row];
    Rows& group = code == kUnknownGroup ? groups.emplace_back() : groups[static_cast<std::size_t>(code)];
    group.push_back(static_cast<std::int64_t>(row));
  }
  std::erase_if(groups, [](const Rows& group) { return group.empty(); });
  return groups;
}

/// Which of some groups, in their order, together have about `total` rows.
std::vector<bool> fitting(const std::vector<Rows>& groups, std::size_t total) {
  std::vector<bool> taken(groups.size());
  std::size_t left = total, smallest = groups.size();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    taken[g] = groups[g].size() <= left;
    if (taken[g]) left -= groups[g].size();
    if (!taken[g] && (smallest == groups.size() || groups[g].size() < groups[smallest].size())) smallest = g;
  }
  if (smallest < groups.size() && groups[smallest].size() - left < left) taken[smallest] = true;
  return taken;
}

/// Of each row, whether it is held out.
std::vector<bool> drawn_by_group(const GroupColumn& column, double fraction, std::uint64_t seed) {
  std::vector<Rows> groups = rows_by_group(column);
  Draws draws(seed, Purpose::holdout, kWholeGroups, 0);
  shuffle(std::span(groups), draws);
  const auto total = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(column.codes.size())));
  const std::vector<bool> taken = fitting(groups, total);
  std::vector<bool> held(column.codes.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const std::int64_t row : groups[g]) held[static_cast<std::size_t>(row)] = taken[g];
  }
  return held;
}

/// Faces of one id go where the first of them goes.
void keep_ids_together(const std::vector<std::string>& ids, std::vector<bool>& held) {
  std::unordered_map<std::string_view, std::size_t> first;
  for (std::size_t row = 0; row < ids.size(); ++row) held[row] = held[first.emplace(ids[row], row).first->second];
}

HeldOut parted(const SampleSet& set, const std::vector<bool>& held) {
  Rows in, out;
  for (std::int64_t row = 0; row < set.size(); ++row) (held[static_cast<std::size_t>(row)] ? out : in).push_back(row);
  HeldOut parts{rows_of(set, in), rows_of(set, out)};
  if (!parts.held.clean_labels.empty()) {
    parts.held.labels = std::move(parts.held.clean_labels);
    parts.held.clean_labels.clear();
  }
  return parts;
}

void require_fraction(double fraction) {
  if (!(fraction >= 0 && fraction <= 1))
    throw std::invalid_argument("holding out a fraction of " + std::to_string(fraction) + ": take 0 to 1");
}

/// By the column of that name; empty: by single faces.
HeldOut divided(const SampleSet& train, double fraction, std::uint64_t seed, const std::string& by,
                const std::string& store) {
  if (by.empty()) return hold_out(train, fraction, seed);
  return hold_out_groups(train, require_column(train.groups, by, store + ": its training split"), fraction, seed);
}

void require_both(const HeldOut& parts, double fraction, const std::string& by, const std::string& store) {
  if (parts.held.size() > 0 && parts.kept.size() > 0) return;
  const auto samples = parts.held.size() + parts.kept.size();
  throw DataError(store + ": " + std::to_string(fraction) + " of " + std::to_string(samples) + " training faces" +
                  (by.empty() ? "" : " in whole groups of " + by) + " is " +
                  (parts.held.size() == 0 ? "none" : "all of them") + "; take another fraction");
}

}  // namespace

HeldOut hold_out(const SampleSet& set, double fraction, std::uint64_t seed) {
  require_fraction(fraction);
  const auto& labels = set.clean_labels.empty() ? set.labels : set.clean_labels;
  std::vector<bool> held = drawn(rows_by_class(labels), fraction, set.size(), seed);
  keep_ids_together(set.ids, held);
  return parted(set, held);
}

HeldOut hold_out_groups(const SampleSet& set, const GroupColumn& column, double fraction, std::uint64_t seed) {
  require_fraction(fraction);
  return parted(set, drawn_by_group(column, fraction, seed));
}

std::vector<std::string> write_holdout(const std::filesystem::path& store, const std::filesystem::path& out,
                                       double fraction, std::uint64_t seed, const std::string& split,
                                       const std::string& by) {
  const StoreReader reader(store);
  if (reader.has(split))
    throw DataError(store.string() + ": has a split " + split + " already; hold out one that it lacks (--split)");
  const HeldOut parts = divided(reader.open("train"), fraction, seed, by, store.string());
  require_both(parts, fraction, by, store.string());
  SplitIds ids;
  ids.add("train", parts.kept.ids, store.string());
  ids.add(split, parts.held.ids, store.string());
  StoreWriter writer(out, reader.info());
  writer.write_split("train", parts.kept);
  writer.write_split(split, parts.held);
  copy_splits(reader, "train", writer, reader.info());
  writer.commit();
  std::vector<std::string> lines = {"train: " + std::to_string(parts.kept.size()) + " faces, " + split + ": " +
                                    std::to_string(parts.held.size())};
  note_variants(reader, lines);
  return lines;
}

}  // namespace penumbra::data
