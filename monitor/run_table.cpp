#include "monitor/run_table.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace penumbra::monitor {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr std::size_t kHistory = 60;  ///< values of a series that are kept for a live view
constexpr std::size_t kMostDetails = 32;
constexpr int kMostRanks = 1 << 16;

bool is_kept(const Value& value) {
  return value.metric == Metric::uncertainty_mean || value.metric == Metric::step_seconds ||
         (value.metric == Metric::loss && value.labels.front() == "total");
}

bool fits(const Value& value) {
  const Description& d = describe(value.metric);
  const bool histogram = d.type == MetricType::histogram;
  const std::size_t counts = histogram ? bucket_bounds().size() + 1 : 0;
  return value.labels.size() == d.labels.size() && value.counts.size() == counts &&
         std::all_of(value.labels.begin(), value.labels.end(), is_plain);
}

/// Unix time of a moment.
double unix_seconds_of(RunTable::Clock::time_point time) {
  return unix_seconds() - Seconds(RunTable::Clock::now() - time).count();
}

Outcome outcome_named(const std::string& name) {
  for (const Outcome outcome : {Outcome::running, Outcome::finished, Outcome::stopped}) {
    if (name == name_of(outcome)) return outcome;
  }
  return Outcome::failed;
}

/// The JSON library would cast any number to an integer without asking whether it fits.
int whole_number(const nlohmann::json& value, std::int64_t low, std::int64_t high) {
  if (!value.is_number_integer() || value < low || value > high) throw std::invalid_argument("a number out of range");
  return value.get<int>();
}

}  // namespace

RunTable::RunTable(RunTableOptions options) : options_(std::move(options)) {
  if (!options_.file.empty()) load();
}

std::uint64_t RunTable::join(const Member& member, TakeOrder take_order) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  forget(now);
  const auto refuse = [&](const std::string& why) {
    ++counts_.rejected["run"];
    throw std::invalid_argument(why);
  };
  if (!is_run_name(member.run)) refuse("the run's name must be 1 to 200 letters, digits or ._-/@:+=, and blanks");
  if (member.rank < 0 || member.ranks < 1 || member.rank >= member.ranks || member.ranks > kMostRanks)
    refuse(fmt::format("rank {} of {} is not possible", member.rank, member.ranks));
  const bool plain = std::all_of(member.details.begin(), member.details.end(),
                                 [](const auto& item) { return is_plain(item.first) && is_plain(item.second); });
  if (!is_plain(member.host) || member.details.size() > kMostDetails || !plain)
    refuse("host and details must be short, printable texts");
  if (!runs_.contains(member.run) && runs_.size() >= options_.most_runs)
    refuse(fmt::format("{} runs are known already", options_.most_runs));
  Run& run = runs_[member.run];
  if (member.incarnation > run.incarnation || member.ranks != run.ranks) {
    for (auto& [number, rank] : run.members) places_.erase(rank.token);
    run.members.clear();
  }
  run.ranks = member.ranks;
  run.incarnation = member.incarnation;
  run.outcome = Outcome::running;
  if (member.rank == 0) run.details = member.details;
  run.seen = now;
  Rank& rank = run.members[member.rank];
  places_.erase(rank.token);
  rank = Rank{};
  rank.token = next_token_++;
  rank.host = member.host;
  rank.seen = now;
  rank.joined = true;
  rank.take_order = std::move(take_order);
  places_[rank.token] = {member.run, member.rank};
  save();
  return rank.token;
}

RunTable::Rank* RunTable::find(std::uint64_t token) {
  const auto place = places_.find(token);
  return place == places_.end() ? nullptr : &runs_.at(place->second.first).members.at(place->second.second);
}

bool RunTable::update(std::uint64_t token, std::vector<Value> values, std::uint64_t dropped) {
  const std::lock_guard lock(mutex_);
  Rank* rank = find(token);
  if (rank == nullptr) return false;
  ++counts_.updates;
  rank->seen = runs_.at(places_.at(token).first).seen = Clock::now();
  rank->dropped = dropped;
  const bool speaks_for_all = places_.at(token).second == 0;
  for (Value& value : values) take(*rank, std::move(value), speaks_for_all);
  return true;
}

void RunTable::take(Rank& rank, Value value, bool speaks_for_all) {
  if (!fits(value) || (describe(value.metric).scope == Scope::run && !speaks_for_all)) {
    ++counts_.rejected["metric"];
    return;
  }
  auto found = rank.series.find({value.metric, value.labels});
  if (found == rank.series.end()) {
    std::size_t& size = rank.sizes[value.metric];
    if (size >= options_.most_series) {
      ++counts_.rejected["series"];
      return;
    }
    ++size;
    found = rank.series.emplace(SeriesKey{value.metric, value.labels}, Series{}).first;
  }
  if (is_kept(value)) {
    auto& history = found->second.history;
    history.push_back(value.number);
    if (history.size() > kHistory) history.pop_front();
  }
  found->second.value = std::move(value);
}

void RunTable::leave(std::uint64_t token, std::optional<Outcome> outcome) {
  const std::lock_guard lock(mutex_);
  Rank* rank = find(token);
  if (rank == nullptr) return;
  const auto [name, number] = places_.at(token);
  rank->take_order = nullptr;
  if (outcome) {
    rank->joined = false;
    places_.erase(token);
    Run& run = runs_.at(name);
    if (number == 0 || *outcome == Outcome::failed) run.outcome = *outcome;
    run.seen = Clock::now();
    save();
  }
}

void RunTable::reject(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  ++counts_.rejected[reason];
}

bool RunTable::silent(const Rank& rank, Clock::time_point now) const {
  return now - rank.seen > Seconds(options_.silent_seconds);
}

void RunTable::forget(Clock::time_point now) {
  const auto old = [&](const auto& entry) { return now - entry.second.seen > Seconds(options_.forget_seconds); };
  for (auto run = runs_.begin(); run != runs_.end();) {
    if (!old(*run)) {
      ++run;
      continue;
    }
    for (const auto& [number, rank] : run->second.members) places_.erase(rank.token);
    run = runs_.erase(run);
  }
}

RunView RunTable::view_of(const std::string& name, const Run& run, Clock::time_point now) const {
  RunView view;
  view.name = name;
  view.ranks = run.ranks;
  view.incarnation = run.incarnation;
  view.outcome = run.outcome;
  view.details = run.details;
  for (const auto& [number, rank] : run.members) {
    RankView member{number,
                    rank.host,
                    rank.joined && !silent(rank, now),
                    !rank.joined,
                    Seconds(now - rank.seen).count(),
                    unix_seconds_of(rank.seen),
                    rank.dropped,
                    {}};
    if (!silent(rank, now)) {
      for (const auto& [key, series] : rank.series) {
        const bool whole = describe(series.value.metric).scope == Scope::run;
        (whole ? view.values : member.values).push_back(series.value);
        if (!series.history.empty()) {
          view.history.push_back(
              {series.value.metric, series.value.labels, {series.history.begin(), series.history.end()}});
        }
      }
    }
    view.members.push_back(std::move(member));
  }
  return view;
}

std::vector<RunView> RunTable::view(const std::string& run) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  forget(now);
  std::vector<RunView> views;
  for (const auto& [name, entry] : runs_) {
    if (run.empty() || run == name) views.push_back(view_of(name, entry, now));
  }
  return views;
}

int RunTable::order(const std::string& name, Order order) {
  const std::lock_guard lock(mutex_);
  const auto run = runs_.find(name);
  if (run == runs_.end()) return -1;
  const auto now = Clock::now();
  for (auto& [number, rank] : run->second.members) {
    if (!rank.take_order || silent(rank, now)) continue;
    rank.take_order(order);
    return number;
  }
  return -1;
}

RunTable::Counts RunTable::counts() {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void RunTable::load() {
  std::ifstream file(options_.file);
  if (!file) return;
  try {
    for (const auto& entry : nlohmann::json::parse(file)) {
      const std::string name = entry.at("name");
      if (!is_run_name(name) || runs_.size() >= options_.most_runs) continue;
      Run run;
      run.ranks = whole_number(entry.at("ranks"), 1, kMostRanks);
      run.incarnation = whole_number(entry.at("incarnation"), 0, std::numeric_limits<int>::max());
      run.outcome = outcome_named(entry.at("outcome"));
      run.details = entry.at("details").get<std::map<std::string, std::string>>();
      const Seconds ago(std::clamp(unix_seconds() - entry.at("seen").get<double>(), 0.0, options_.forget_seconds));
      run.seen = Clock::now();  // a running one is missed from now on
      if (run.outcome != Outcome::running) run.seen -= std::chrono::duration_cast<Clock::duration>(ago);
      for (const auto& [rank, host] : entry.at("hosts").get<std::map<int, std::string>>()) {
        run.members[rank].host = host;
        run.members[rank].seen = run.seen;
        run.members[rank].joined = run.outcome == Outcome::running;  // it will join again, or is found silent
      }
      runs_[name] = std::move(run);
    }
  } catch (const std::exception& problem) {
    spdlog::warn("{}: no list of runs, begins with none: {}", options_.file.string(), problem.what());
    runs_.clear();
  }
}

void RunTable::save() {
  if (options_.file.empty()) return;
  nlohmann::json all = nlohmann::json::array();
  for (const auto& [name, run] : runs_) {
    std::map<int, std::string> hosts;
    for (const auto& [number, rank] : run.members) hosts[number] = rank.host;
    all.push_back({{"name", name},
                   {"ranks", run.ranks},
                   {"incarnation", run.incarnation},
                   {"outcome", name_of(run.outcome)},
                   {"details", run.details},
                   {"seen", unix_seconds_of(run.seen)},
                   {"hosts", hosts}});
  }
  const std::filesystem::path partial = options_.file.string() + ".partial";
  std::ofstream file(partial);
  file << all.dump(1) << "\n" << std::flush;
  std::error_code error = file ? std::error_code() : std::make_error_code(std::errc::io_error);
  file.close();
  if (!error) std::filesystem::rename(partial, options_.file, error);  // else the old one stays
  if (error) spdlog::warn("{}: the list of runs cannot be kept: {}", options_.file.string(), error.message());
}

}  // namespace penumbra::monitor
