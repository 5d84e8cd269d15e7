#include "comm/watchdog/flight_recorder.h"

#include <utility>

namespace penumbra::comm {

double FlightRecorder::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

/// Null when it has left the ring already. Sequences in the ring follow one another.
FlightEntry* FlightRecorder::find(std::uint64_t sequence) {
  if (entries_.empty() || sequence < entries_.front().sequence) return nullptr;
  return &entries_[sequence - entries_.front().sequence];
}

std::uint64_t FlightRecorder::enqueue(std::string name, std::int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  entries_.push_back({++progress_.entered, std::move(name), bytes, now()});
  if (entries_.size() > capacity_) entries_.pop_front();
  open_.insert(progress_.entered);
  return progress_.entered;
}

void FlightRecorder::start(std::uint64_t sequence) {
  const std::scoped_lock lock(mutex_);
  if (FlightEntry* entry = find(sequence)) entry->started = now();
}

void FlightRecorder::end(std::uint64_t sequence) {
  const std::scoped_lock lock(mutex_);
  if (FlightEntry* entry = find(sequence)) entry->ended = now();
  open_.erase(sequence);
  progress_.ended = open_.empty() ? progress_.entered : *open_.begin() - 1;
}

void FlightRecorder::enter_phase(std::string phase) {
  const std::scoped_lock lock(mutex_);
  progress_.phase = std::move(phase);
}

Progress FlightRecorder::progress() const {
  const std::scoped_lock lock(mutex_);
  return progress_;
}

std::vector<FlightEntry> FlightRecorder::entries() const {
  const std::scoped_lock lock(mutex_);
  return {entries_.begin(), entries_.end()};
}

}  // namespace penumbra::comm
