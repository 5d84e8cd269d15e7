#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "monitor/sample.h"

namespace penumbra::monitor {

struct RunTableOptions {
  double silent_seconds = 15;    ///< then a rank counts as down and its values are not shown any more
  double forget_seconds = 3600;  ///< then a run that nobody reports of is dropped
  std::size_t most_runs = 1000;
  std::size_t most_series = 256;  ///< of one metric and one rank
  std::filesystem::path file;     ///< where the run list is kept over a restart; empty: nowhere
};

/// What is known of the runs that report, from all their ranks. Nothing in it grows without bound, whatever comes in.
/// Any thread.
class RunTable {
 public:
  using Clock = std::chrono::steady_clock;
  using TakeOrder = std::function<void(Order)>;

  /// Reads the file where there is one; one that is damaged is as good as none.
  explicit RunTable(RunTableOptions options);

  /// A rank begins to report; the later of two with the same rank counts. `take_order` is called, on any thread, until
  /// leave(). Returns a token for the other calls. Throws std::invalid_argument, counting it, for a bad name or one run
  /// too many.
  std::uint64_t join(const Member& member, TakeOrder take_order);
  /// Values of a rank that has joined; each that is unknown or malformed, or one series too many, is counted and left
  /// out; so is what only rank 0 may say. False where the rank is not known (any more): it has to join again.
  bool update(std::uint64_t token, std::vector<Value> values, std::uint64_t dropped);
  /// The rank will report no more: with an outcome, as it said; without, because the connection has ended.
  void leave(std::uint64_t token, std::optional<Outcome> outcome);
  /// Counts what was refused before it got here.
  void reject(const std::string& reason);

  /// All runs, or the one of that name.
  std::vector<RunView> view(const std::string& run = "");
  /// Hands an order to one rank of a run, which makes all ranks follow; -1 where none is there to take it.
  int order(const std::string& run, Order order);

  struct Counts {
    std::uint64_t updates = 0;
    std::map<std::string, std::uint64_t> rejected;
  };
  Counts counts();

 private:
  struct Series {
    Value value;
    std::deque<double> history;
  };
  struct Rank {
    std::uint64_t token = 0;
    std::string host;
    Clock::time_point seen;
    std::uint64_t dropped = 0;
    bool joined = false;
    std::map<SeriesKey, Series> series;
    std::map<Metric, std::size_t> sizes;  ///< series of each metric
    TakeOrder take_order;
  };
  struct Run {
    int ranks = 1, incarnation = 0;
    Outcome outcome = Outcome::running;
    std::map<std::string, std::string> details;
    std::map<int, Rank> members;
    Clock::time_point seen;
  };
  using Place = std::pair<std::string, int>;  ///< run and rank

  Rank* find(std::uint64_t token);
  void take(Rank& rank, Value value, bool speaks_for_all);
  bool silent(const Rank& rank, Clock::time_point now) const;
  void forget(Clock::time_point now);
  RunView view_of(const std::string& name, const Run& run, Clock::time_point now) const;
  void load();
  void save();

  const RunTableOptions options_;
  std::mutex mutex_;
  std::map<std::string, Run> runs_;
  std::map<std::uint64_t, Place> places_;  ///< by token
  std::uint64_t next_token_ = 1;
  Counts counts_;
};

}  // namespace penumbra::monitor
