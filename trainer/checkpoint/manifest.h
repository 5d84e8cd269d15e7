#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/checkpoint/shard.h"

namespace penumbra::trainer {

/// The next step to take.
struct Position {
  std::int64_t epoch = 0, step = 0;
  auto operator<=>(const Position&) const = default;
};

/// What a checkpoint says of itself: all that is not in its shards.
struct Manifest {
  int incarnation = 0;
  Position position;
  std::int64_t steps = 0;            ///< taken since the run began
  std::int64_t interval_steps = 0;   ///< of them since the last line of the log
  std::int64_t average_updates = 0;  ///< of the averaged weights
  int ranks = 1;
  std::uint64_t metrics_bytes = 0;  ///< of metrics.jsonl: what lies beyond was written after this checkpoint
  bool is_best = false;             ///< taken after the best validation so far, and to be kept for that
  bool has_best = false;
  double best = 0, temperature = 1;
  std::int64_t since_best = 0;  ///< validations
  std::int64_t skipped_in_a_row = 0;
  int roll_backs = 0;
  std::vector<std::string> classes;
  int channels = 1, image_size = 0;  ///< of the stored images
  std::string config, data;          ///< configuration and fingerprints of the data, as text
  std::string bitwise;               ///< build, ranks, threads, buckets: with the same, a resumed run repeats the bits
  std::int64_t bucket_bytes = 0;     ///< that tuning has found
  int threads = 0;                   ///< likewise; 0: there was no tuning
  std::vector<FileStamp> shards;     ///< in rank order
};

std::string to_json(const Manifest& manifest);
/// Throws std::invalid_argument where it is no manifest of this version.
Manifest manifest_from(const std::string& json);

}  // namespace penumbra::trainer
