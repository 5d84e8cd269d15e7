#pragma once

#include <filesystem>
#include <ios>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "data/store/sample_set.h"
#include "trainer/config.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/evaluation/familiarity.h"
#include "trainer/nets/dual_net.h"

namespace penumbra::trainer {

/// Throws data::DataError where the disk refuses it.
void write_file(const std::filesystem::path& path, const std::string& text, std::ios::openmode mode = std::ios::trunc);

/// A run on disk: run.json, which marks the folder as a run's, config.toml, metrics.jsonl,
/// weights/{best,final}.safetensors, failures/rank-R.json, and its facts: environment.json, data.json and, where it
/// began with weights from elsewhere, pretrained.json. Files that are not a run's are never removed.
class RunFolder {
 public:
  explicit RunFolder(const std::filesystem::path& path)
      : path_(path.has_filename() ? path : path.parent_path()) {}  // "runs/a/" is "runs/a"

  /// Makes the folder and writes run.json, config.toml and environment.json. Refuses (ConfigError) a folder that holds
  /// a run, unless `overwrite`, and one that holds anything else; `checkpoints` may be there and empty.
  void create(const Config& config, int world_size, bool overwrite) const;
  /// A resumed run's configuration, and its metrics.jsonl cut to what its checkpoint knew. Throws data::DataError.
  void reopen(const Config& config, std::uint64_t metrics_bytes) const;
  /// Writes NAME.json. Throws data::DataError when the disk refuses it.
  void write_facts(const std::string& name, const nlohmann::json& facts) const;
  /// What NAME.json says; null where there is none. Throws data::DataError where it is not JSON.
  nlohmann::json facts(const std::string& name) const;
  bool finished() const { return std::filesystem::exists(weights("final")); }
  /// Appends one line to metrics.jsonl. Throws data::DataError when the disk refuses it.
  void append_metrics(const nlohmann::json& row) const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  /// Says where its monitor is, while it runs: RUN.monitor.json beside it, where Prometheus can find those of all runs.
  std::filesystem::path monitor() const;
  std::filesystem::path failures() const { return path_ / "failures"; }  ///< records of ranks that saw another one fail
  std::filesystem::path weights(const std::string& name) const { return path_ / "weights" / (name + ".safetensors"); }

 private:
  std::filesystem::path facts_path(const std::string& name) const { return path_ / (name + ".json"); }
  bool holds_run() const;
  void require_nothing_else() const;
  void remove_failures() const;

  std::filesystem::path path_;
};

/// A trained pair of nets, ready to predict.
struct TrainedModel {
  Config config;
  data::StoreInfo info;  ///< classes, image size and channels that it was trained on
  DualNet nets;
  double temperature = 1;  ///< fitted on the validation set; 1 without one, or when it was fitted for another head
  std::string checkpoint;  ///< path of the weights
  std::optional<Familiarity> familiarity;  ///< by f_o on the validation set; none without one, or in older weights
  std::optional<std::int64_t> epoch;       ///< from 0, at whose end they were taken; none: in the middle of one
};

/// What goes into the weights' metadata beside the tensors.
struct WeightsNote {
  std::int64_t epoch = 0;
  double temperature = 1;      ///< fitted on the validation set
  Head head = Head::original;  ///< that it was fitted for
  at::Tensor features;         ///< of f_o on the validation set, [N, K]; undefined without one
};

void save_model(const RunFolder& folder, const std::string& name, DualNet& nets, const data::StoreInfo& info,
                const WeightsNote& note);

/// `name`: "best", "final", or empty for the best where there is one; `head`: over the run's predict.head, or empty.
/// Throws ConfigError when RUN is no run folder, has no such weights or no net for that head, DataError when damaged.
TrainedModel load_model(const std::filesystem::path& run, const std::string& name, const std::string& head);

/// This build and machine: versions, host, cores.
nlohmann::json environment();

}  // namespace penumbra::trainer
