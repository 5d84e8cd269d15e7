#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "trainer/checkpoint/arrays.h"
#include "trainer/checkpoint/manifest.h"

namespace penumbra::trainer {

/// The checkpoints of a run folder. Each start of a run is an incarnation, which writes
/// checkpoints/eEEEE-step-SSSSSSSS/{shard-RRRRR.h5, manifest.json} and says in incarnation-E.json where it began. What
/// an older incarnation still writes, on a host that nobody reaches any more, is never looked at.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::filesystem::path run) : run_(std::move(run)) {}

  /// Takes the next number, exclusively. `from`: the checkpoint that it resumes from, or empty; `job`: who has started
  /// it, or empty. Throws data::DataError.
  int begin_incarnation(const std::string& from, const std::string& job = "") const;
  /// Whether that job has started an incarnation.
  bool was_started_by(const std::string& job) const;
  /// Names of whole checkpoints that the newest incarnation descends from, newest first.
  std::vector<std::string> lineage() const;
  int incarnations() const;  ///< how often the run was started

  /// "e0001-step-00000250".
  static std::string name_of(const Manifest& manifest);
  std::filesystem::path path_of(const std::string& name) const { return run_ / "checkpoints" / name; }
  std::filesystem::path partial_of(const std::string& name) const { return path_of(name + ".partial"); }
  static std::filesystem::path shard_in(const std::filesystem::path& folder, int rank);

  /// Throws data::DataError where the manifest is missing or damaged.
  Manifest manifest_of(const std::string& name) const;
  /// Those of the shards that its manifest names which are `first`, `first` + `stride`, ... Throws data::DataError,
  /// naming the file that is damaged.
  std::vector<StateArrays> read_shards(const std::string& name, const Manifest& manifest, std::size_t first,
                                       std::size_t stride) const;
  /// Every array, from all shards. Throws as read_shards() does.
  WholeArrays load(const std::string& name, const Manifest& manifest) const;

  /// Makes NAME.partial, anew.
  void open(const std::string& name) const;
  /// Adds the manifest, flushed to the disk.
  void add_manifest(const std::string& name, const Manifest& manifest) const;
  /// Gives the checkpoint its name, flushed to the disk.
  void publish(const std::string& name) const;
  /// Writes the name into RUN/newest-checkpoint.json, flushed to the disk. Throws data::DataError.
  void note_newest(const std::string& name) const;
  /// The name that was noted last, wherever that checkpoint is now; empty where none was.
  std::string newest_published() const;
  /// Removes NAME.partial.
  void abandon(const std::string& name) const;
  /// Removes all but the newest `keep` of the lineage and the newest best one, and what was left unfinished by
  /// incarnations before `current`.
  void prune(std::size_t keep, int current) const;
  /// Removes checkpoints and incarnations, and nothing else: a new run begins.
  void clear() const;

 private:
  bool is_best(const std::string& name) const;

  std::filesystem::path run_;
};

}  // namespace penumbra::trainer
