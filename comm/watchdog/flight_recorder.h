#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace penumbra::comm {

/// One collective as this rank saw it. Seconds since the recorder began; negative: not yet.
struct FlightEntry {
  std::uint64_t sequence = 0;  ///< 1, 2, ... in the order of the calls, the same on every rank
  std::string name;
  std::int64_t bytes = 0;
  double enqueued = 0, started = -1, ended = -1;
};

/// How far this rank has come.
struct Progress {
  std::uint64_t entered = 0;    ///< sequence of the last collective that was asked for
  std::uint64_t ended = 0;      ///< up to which all have ended, though a later one may have
  std::string phase = "start";  ///< one word: what the rank is about
};

/// The last collectives of this rank, for the record of a failure. Thread-safe.
class FlightRecorder {
 public:
  explicit FlightRecorder(std::size_t capacity = 256) : capacity_(capacity) {}

  /// Returns the sequence number.
  std::uint64_t enqueue(std::string name, std::int64_t bytes);
  void start(std::uint64_t sequence);
  void end(std::uint64_t sequence);
  void enter_phase(std::string phase);

  Progress progress() const;
  std::vector<FlightEntry> entries() const;  ///< oldest first

 private:
  double now() const;
  FlightEntry* find(std::uint64_t sequence);

  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  const std::size_t capacity_;
  mutable std::mutex mutex_;  ///< guards what follows
  std::deque<FlightEntry> entries_;
  std::set<std::uint64_t> open_;  ///< what has not ended
  Progress progress_;
};

}  // namespace penumbra::comm
